"use strict";
for (const code of document.querySelectorAll("pre.copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(code.querySelector("code"));
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    // Unlike navigator.clipboard, this works in a file that was opened from a disk, in every browser.
    button.textContent = document.execCommand("copy") ? "Copied" : "Press Ctrl+C";
    window.setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  code.prepend(button);
}
