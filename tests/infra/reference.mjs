// Evaluates JSONata with the reference implementation (npm `jsonata`), and walks a state machine with it.
// Input: {"expressions": [{text, bindings}]} or {"machine": ASL, "runs": [{input, context, results}]} on stdin;
// output: one answer each, {"value"} or {"error"}, or {"path", "status", "output", "calls"}.
import jsonata from "jsonata";
import { readFileSync } from "node:fs";

async function evaluate(text, bindings) {
  const expression = jsonata(text.replace(/^\{%\s*/, "").replace(/\s*%\}$/, ""));
  expression.registerFunction("parse", (json) => JSON.parse(json), "<s:x>"); // Step Functions' own
  const value = await expression.evaluate(undefined, bindings);
  if (value === undefined) throw new Error(`undefined: ${text}`); // States.QueryEvaluationError
  return JSON.parse(JSON.stringify(value));
}

async function fill(template, bindings) {
  if (typeof template === "string") return template.startsWith("{%") ? evaluate(template, bindings) : template;
  if (Array.isArray(template)) return Promise.all(template.map((one) => fill(one, bindings)));
  if (template === null || typeof template !== "object") return template;
  const entries = Object.entries(template).map(async ([name, value]) => [name, await fill(value, bindings)]);
  return Object.fromEntries(await Promise.all(entries));
}

let calls = []; // the arguments of each task, in order

async function walk(machine, run, variables = {}) {
  const path = [];
  let name = machine.StartAt, input = run.input;
  for (;;) {
    const state = machine.States[name];
    path.push(name);
    const context = { ...run.context, Task: { Token: "token" } };
    const bindings = (more = {}) => ({ ...variables, states: { input, context, ...more } });
    const move = async (target, states, fallback) => {
      const assigned = target.Assign ? await fill(target.Assign, bindings(states)) : {};
      input = target.Output === undefined ? fallback : await fill(target.Output, bindings(states));
      variables = { ...variables, ...assigned };
      name = target.Next;
    };
    const caught = async (error) => {
      const all = (catcher) => catcher.ErrorEquals.some((one) => one === "States.ALL" || one === error.Error);
      const catcher = (state.Catch ?? []).find(all);
      if (!catcher) return { path, status: "FAILED", output: error };
      await move(catcher, { errorOutput: error }, error);
    };
    if (state.Type === "Succeed") return { path, status: "SUCCEEDED", output: input };
    if (state.Type === "Fail") {
      return { path, status: "FAILED", output: { Error: await fill(state.Error, bindings()), Cause: await fill(state.Cause, bindings()) } };
    }
    if (state.Type === "Pass") await move(state, {}, input);
    else if (state.Type === "Choice") {
      let chosen = { ...state, Next: state.Default };
      for (const one of state.Choices) if ((await fill(one.Condition, bindings())) === true) { chosen = one; break; }
      await move(chosen, {}, input);
    } else if (state.Type === "Task") {
      calls.push(await fill(state.Arguments, bindings()));
      const answer = run.results[name].shift();
      if (answer.error) { const end = await caught(answer.error); if (end) return end; }
      else await move(state, { result: answer.result }, answer.result);
    } else if (state.Type === "Map") {
      const items = await fill(state.Items, bindings()), outputs = [], children = run.results[name].shift();
      for (const [Index, Value] of items.entries()) {
        const place = { ...run.context, Map: { Item: { Index, Value } } };
        const given = await fill(state.ItemSelector, { ...variables, states: { input, context: place } });
        const child = await walk(state.ItemProcessor, { input: given, context: place, results: children[Index] });
        outputs.push(child.output);
      }
      await move(state, { result: outputs }, outputs);
    }
    if (state.End || (name === undefined)) return { path, status: "SUCCEEDED", output: input };
  }
}

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = [];
for (const { text, bindings } of asked.expressions ?? []) {
  try { answers.push({ value: await evaluate(text, bindings) }); } catch (error) { answers.push({ error: error.message }); }
}
for (const run of asked.runs ?? []) {
  calls = [];
  try { answers.push({ ...(await walk(asked.machine, run)), calls }); } catch (error) { answers.push({ error: error.message }); }
}
process.stdout.write(JSON.stringify(answers));
