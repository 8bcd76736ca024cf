import assert from "node:assert/strict";
import { test } from "node:test";

import { SvgPen } from "../../explorer/browser/numerics/svg.js";

test("a path is transformed when it is built, so that its line keeps its width", () => {
  const pen = new SvgPen(100, 50);
  pen.save();
  pen.translate(10, 20);
  pen.scale(2, -3);
  pen.beginPath();
  pen.moveTo(1, 1);
  pen.lineTo(4, -2);
  pen.restore();
  pen.lineWidth = 2;
  pen.stroke();
  assert.match(pen.text("#fff"), /<path d="M12 17L18 26" fill="none" stroke="#000" stroke-width="2"\/>/);
});

test("an ellipse passes through the ends of its axes", () => {
  const pen = new SvgPen(100, 100);
  pen.beginPath();
  pen.ellipse(50, 40, 20, 10, Math.PI / 2, 0);
  pen.fill();
  const places = [...pen.path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => `${x},${y}`);
  for (const end of ["50,60", "40,40", "50,20", "60,40"]) assert.ok(places.includes(end), pen.path);
});

test("texts are escaped, and colours and fonts too", () => {
  const pen = new SvgPen(10, 10);
  pen.fillStyle = '"><script>';
  pen.fillText("a<b & c", 1, 2);
  const text = pen.text("#fff");
  assert.ok(!text.includes("<script") && text.includes("a&#60;b &#38; c"));
});

test("groups and clips are closed, whatever was left open", () => {
  const pen = new SvgPen(10, 10);
  pen.beginLayer("marks");
  pen.save();
  pen.beginPath();
  pen.rect(1, 1, 5, 5);
  pen.clip();
  pen.fillRect(0, 0, 9, 9);
  pen.restore();
  pen.fillRect(2, 2, 1, 1);
  const text = pen.text("#fff");
  assert.equal(text.match(/<g/g)?.length, text.match(/<\/g>/g)?.length);
  assert.ok(text.indexOf("M0 0") < text.indexOf("</g>") && text.indexOf("</g>") < text.indexOf("M2 2"));
});

test("a picture is embedded", () => {
  const pen = new SvgPen(10, 10);
  pen.imageSmoothingEnabled = false;
  pen.drawImage({ toDataURL: (type) => `data:${type};base64,AA==` }, 1, 2, 3, 4);
  assert.match(pen.text("#fff"), /<image x="1" y="2" width="3" height="4"[^>]*href="data:image\/png;base64,AA=="[^>]*pixelated/);
});
