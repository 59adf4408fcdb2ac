"""Texts that would run, load, redirect, hide or mislead if anything interpreted them."""

ATTACKS = (
    "<script>document.documentElement.dataset.ran = 1; fetch('http://attack.example/script')</script>",
    "<img src=http://attack.example/image onerror=\"document.documentElement.dataset.ran = 1\">",
    "</p></article></section></main><svg onload=\"document.documentElement.dataset.ran = 1\"><animate></svg>",
    "<iframe srcdoc='<script>parent.document.documentElement.dataset.ran = 1</script>'></iframe>",
    "<style>@import 'http://attack.example/style'; * { display: none !important }</style>",
    "<link rel=stylesheet href=http://attack.example/link><base href=http://attack.example/>",
    "<meta http-equiv=refresh content='0; url=http://attack.example/refresh'>",
    "</style></title></script><body onload=\"document.documentElement.dataset.ran = 1\">",
    "{{ 7 * 7 }} {% include '/etc/passwd' %} ${7*7} <%= 7*7 %>",
    "\" onmouseover=\"document.documentElement.dataset.ran = 1\" style=\"background:url(http://attack.example/a)",
    "<a href=\"javascript:document.documentElement.dataset.ran = 1\" autofocus onfocus=this.click()>here</a>",
    "invoice \u202efdp.exe\u202c and \u2066hidden\u2069 \u200bzero\u200b \x00nul\x1b[31mred\x07 \ud800lone",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "Z\u0351\u036b\u0343\u0365\u0363a\u0327\u0321l\u0328\u0327g\u0321o\u0337" + "\u0300" * 60,
)  # fmt: skip
