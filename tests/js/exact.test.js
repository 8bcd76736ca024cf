import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ExactImages, serverDecoder } from "../../explorer/browser/latent_map/exact.js";

const EXACT = "Exact: decoded by the server.";
const MODEL = { source: "nearest decoded code" };
/** @type {{codes: number[][], resolve: (images: Float32Array[]) => void, reject: (error: Error) => void}[]} */
let asked = [];
const answered = () => new Promise((next) => setImmediate(next));
const model = () => ({ ...MODEL, exact: Object.assign(
  (codes) => new Promise((resolve, reject) => asked.push({ codes, resolve, reject })), { by: "the server" },
) });
const image = (value) => [Float32Array.of(value)];

beforeEach(() => {
  asked = [];
  globalThis.document = { createElement: () => ({ append() {} }) };
});

test("many codes are asked for in requests that the server takes", async () => {
  const sizes = [];
  globalThis.fetch = async (url, { method, headers, body }) => {
    assert.deepEqual([url, method, headers["Content-Type"]], ["/decode/a", "POST", "application/json"]);
    assert.ok(body.length < 2 ** 20);
    const { z } = JSON.parse(body);
    sizes.push(z.length);
    const bytes = Uint8Array.from(z.flatMap((code) => [code[0], 255]));
    return { ok: true, arrayBuffer: async () => bytes.buffer };
  };
  const codes = Array.from({ length: 2100 }, (_, i) => Float32Array.of(i % 256, -1e-7));
  const images = await serverDecoder("/decode/a", 2, [1, 1, 2])(codes);
  assert.deepEqual(sizes, [1000, 1000, 100]);
  assert.equal(images.length, 2100);
  images.forEach((values, i) => assert.deepEqual([...values], [Math.fround((i % 256) / 255), 1]));
  sizes.length = 0;
  await serverDecoder("/decode/a", 256, [1, 1, 2])(codes.slice(0, 130).map(() => new Float32Array(256).fill(-1.2345678e-7)));
  assert.deepEqual(sizes, [125, 5]);
});

test("a refusal is an error", async () => {
  globalThis.fetch = async () => ({ ok: false, status: 404 });
  await assert.rejects(serverDecoder("/decode/a", 1, [1, 1, 1])([[0]]), /got 404/);
});

test("the latest question is answered, those that were overtaken are not", async () => {
  const [exact, one, taken] = [new ExactImages(), model(), []];
  for (const z of [1, 2, 3]) exact.ask(one, [[z]], ([values]) => taken.push(values[0]));
  assert.deepEqual(asked.map(({ codes }) => codes), [[[1]]]);
  assert.match(exact.note.textContent, /^Approximate: nearest decoded code, until/);
  asked[0].resolve(image(10));
  await answered();
  assert.deepEqual(asked.map(({ codes }) => codes), [[[1]], [[3]]]);
  asked[1].resolve(image(30));
  await answered();
  assert.deepEqual(taken, [30]);
  assert.equal(exact.note.textContent, EXACT);
  exact.ask(one, [[3]], ([values]) => taken.push(-values[0]));
  assert.deepEqual([asked.length, taken], [2, [30, -30]]);
});

test("a failure leaves the approximate image and says so; the next question is asked again", async () => {
  const [exact, one, taken] = [new ExactImages(), model(), []];
  exact.ask(one, [[1]], () => taken.push(1));
  asked[0].reject(new Error("gone"));
  await answered();
  assert.deepEqual(taken, []);
  assert.equal(exact.note.textContent, "Approximate: nearest decoded code. No exact image came from the server.");
  exact.ask(one, [[1]], () => taken.push(2));
  asked[1].resolve(image(1));
  await answered();
  assert.deepEqual([taken, exact.note.textContent], [[2], EXACT]);
});

test("an answer for a model that the map has left, or that is not wanted any more, is for nobody", async () => {
  const [exact, one, taken] = [new ExactImages(), model(), []];
  exact.ask(one, [[1]], () => taken.push(1));
  one.exact = null;
  asked[0].resolve(image(1));
  await answered();
  exact.ask(model(), [[2]], () => taken.push(2));
  exact.forget();
  asked[1].resolve(image(2));
  await answered();
  assert.deepEqual(taken, []);
});

test("nothing is asked where the browser decodes exactly, or where there is no server", () => {
  const exact = new ExactImages();
  exact.ask({ source: "", exact: null }, [[1]], assert.fail);
  assert.equal(exact.note.textContent, "");
  exact.ask({ ...MODEL, exact: null }, [[1]], assert.fail);
  assert.equal(exact.note.textContent, "Approximate: nearest decoded code.");
});
