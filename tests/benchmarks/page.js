// What the benchmarks ask of a page; loaded before the page's own scripts.
window.benchmark = {
  // Whether the map is drawn with all its points: ours, or Plotly's of the plain app.
  drawn(count) {
    const map = document.querySelector(".latent-map")?.latentMap
    if (map) return this.isPainted(map.scatter, count)
    const plot = document.querySelector(".js-plotly-plot")
    return Boolean(plot?._fullLayout && plot.querySelector("canvas[class*=gl-canvas]"))
      && plot._fullData.reduce((sum, trace) => sum + trace._length, 0) === count
  },

  // Whether a scatter has so many points, and the first of them is on its canvas.
  isPainted({ view, content, places, dots }, count) {
    if (!view || content?.positions.length !== 2 * count) return false
    const [x, y] = Array.from(places.slice(0, 2), Math.round)
    return dots.width > x && dots.getContext("2d").getImageData(x, y, 1, 1).data[3] > 0
  },

  // The most isolated points in view: number, and place in pixels from the plot's corner.
  isolated(count) {
    const plot = document.querySelector(".js-plotly-plot"), { xaxis, yaxis } = plot._fullLayout
    const points = plot._fullData.flatMap(trace => Array.from(trace.x, (x, i) => (
      { number: trace.customdata[i][0] ?? trace.customdata[i], x: xaxis.d2p(x), y: yaxis.d2p(trace.y[i]) })))
    for (const one of points)
      one.gap = Math.min(...points.map(other =>
        other === one ? Infinity : Math.hypot(one.x - other.x, one.y - other.y)))
    return points.sort((one, other) => other.gap - one.gap)
      .filter(({ x, y }) => x > 5 && x < xaxis._length - 5 && y > 5 && y < yaxis._length - 5)
      .slice(0, count)
      .map(({ number, x, y }) => ({ number, x: x + xaxis._offset, y: y + yaxis._offset }))
  },

  // Notes, for every move of the pointer, the milliseconds until its frame was painted, and counts
  // the frames; `stop` ends it.
  hover() {
    const times = [], start = performance.now()
    let frames = 0, isOn = true
    const count = () => { frames += 1; if (isOn) requestAnimationFrame(count) }
    const note = event => requestAnimationFrame(() => {
      const channel = new MessageChannel() // its message comes after the frame's painting
      channel.port1.onmessage = () => times.push(performance.now() - event.timeStamp)
      channel.port2.postMessage(null)
    })
    document.addEventListener("pointermove", note)
    requestAnimationFrame(count)
    this.stop = () => {
      isOn = false
      document.removeEventListener("pointermove", note)
      return { times, framesPerSecond: frames / (performance.now() - start) * 1000 }
    }
  },

  // Frames a second over so many milliseconds, and of each of them the milliseconds of drawing.
  frames(milliseconds) {
    const slider = document.querySelector(".rates").betaSlider, draw = slider.draw.bind(slider)
    const drawing = []
    slider.draw = () => {
      const start = performance.now()
      draw()
      drawing.push(performance.now() - start)
    }
    const start = performance.now(), before = drawing.length
    return new Promise(done => setTimeout(() => {
      slider.draw = draw
      done({ drawing, framesPerSecond: (drawing.length - before) / (performance.now() - start) * 1000 })
    }, milliseconds))
  },

  // Milliseconds of one decode, of each of `count` spots of the map, by the page's own decoder.
  decodes(count) {
    const map = document.querySelector(".latent-map").latentMap
    const z = i => Float32Array.from({ length: map.model.size }, (_, j) => Math.sin(i + 7 * j))
    for (let i = 0; i < 50; i++) map.model.decode(z(i))
    return Array.from({ length: count }, (_, i) => {
      const code = z(i), start = performance.now()
      for (let k = 0; k < 5; k++) map.model.decode(code)
      return (performance.now() - start) / 5
    })
  },

  // Waits for the next release of the button; `answer` then promises the milliseconds from it
  // to the heading "Image <number>" and to a new, loaded picture "Decoded mean" below it.
  watch(number) {
    const heading = () => [...document.querySelectorAll("h1, h2, h3, h4")]
      .find(element => new RegExp(`^Image ${number}\\b`).test(element.innerText))
    const picture = () => [...document.querySelectorAll("[data-testid=stImage], figure:has(img)")]
      .find(image => image.innerText.includes("Decoded mean") && (
        heading()?.compareDocumentPosition(image) & Node.DOCUMENT_POSITION_FOLLOWING))
      ?.querySelector("img")
    this.answer = new Promise(done => addEventListener("mouseup", () => {
      const start = performance.now(), times = {}
      const frame = () => {
        const now = performance.now() - start, image = picture()
        if (heading()) times.number ??= now
        if (image?.complete && image.naturalWidth && image.src !== this.shown) {
          this.shown = image.src
          done({ ...times, picture: now })
        } else if (now > 10_000) done(null)
        else requestAnimationFrame(frame)
      }
      requestAnimationFrame(frame)
    }, { once: true, capture: true }))
  },
}
