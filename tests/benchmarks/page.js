// What the benchmarks ask of a page; loaded before the page's own scripts.
{
  const messages = [], frames = new Map(), context = canvas => canvas.getContext("2d")
  const { send } = WebSocket.prototype, schedule = window.requestAnimationFrame.bind(window)
  performance.setResourceTimingBufferSize(10_000)

  WebSocket.prototype.send = function (data) {
    messages.push(performance.now())
    return send.call(this, data)
  }

  // The page's own work in each animation frame, by the frame's time.
  window.requestAnimationFrame = callback => schedule(time => {
    const start = performance.now()
    callback(time)
    frames.set(time, (frames.get(time) ?? 0) + performance.now() - start)
  })

  const map = () => document.querySelector(".latent-map").latentMap
  const plot = () => document.querySelector(".latent-map .stage, .js-plotly-plot")
  const isDrawn = canvas =>
    canvas.width > 0 && context(canvas).getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)

  // Calls back when the frame that is being made was painted.
  const afterPaint = done => {
    const channel = new MessageChannel() // its message comes after the frame's painting
    channel.port1.onmessage = done
    channel.port2.postMessage(null)
  }

  // Where the points are that are shown: number, and pixels from the plot's corner.
  const places = () => {
    const ours = document.querySelector(".latent-map")?.latentMap
    if (ours) {
      const { left, top, width, height } = ours.view, at = ours.scatter.stagePlaces()
      const points = Array.from(ours.scatter.shown, number => (
        { number, x: at[2 * number], y: at[2 * number + 1] }))
      return { points, box: { left, top, right: left + width, bottom: top + height } }
    }
    const { _fullData, _fullLayout: { xaxis, yaxis } } = plot()
    const [left, top] = [xaxis._offset, yaxis._offset]
    const points = _fullData.flatMap(trace => Array.from(trace.x, (x, i) => ({
      number: trace.customdata[i][0] ?? trace.customdata[i],
      x: left + xaxis.d2p(x), y: top + yaxis.d2p(trace.y[i]),
    })))
    return { points, box: { left, top, right: left + xaxis._length, bottom: top + yaxis._length } }
  }

  // Whether the heading "Image <number>" is there, and with it the pictures of the image.
  const shown = (number, before) => {
    const heading = [...document.querySelectorAll("h1, h2, h3, h4")]
      .find(element => new RegExp(`^Image ${number}\\b`).test(element.textContent))
    const inspector = heading?.closest(".inspector")
    const pictures = [...(inspector?.querySelectorAll(".shots.large canvas") ?? [])]
    if (inspector) return { number: true, pictures: pictures.length > 1 && pictures.every(isDrawn) }
    const image = document.querySelector("[data-testid=stImage] img")
    const isNew = Boolean(image?.complete && image.naturalWidth && image.src !== before)
    return { number: Boolean(heading), pictures: Boolean(heading) && isNew }
  }

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
      const { points, box } = places()
      for (const one of points) {
        one.gap = Infinity
        for (const other of points) {
          if (other !== one) one.gap = Math.min(one.gap, (one.x - other.x) ** 2 + (one.y - other.y) ** 2)
        }
      }
      return points.sort((one, other) => other.gap - one.gap)
        .filter(({ x, y }) => x > box.left + 5 && x < box.right - 5 && y > box.top + 5 && y < box.bottom - 5)
        .slice(0, count)
    },

    // Index of the first of these points that nothing lies over, such as an earlier pin.
    uncovered(points) {
      const box = plot().getBoundingClientRect()
      return points.findIndex(({ x, y }) => {
        const top = document.elementFromPoint(box.x + x, box.y + y)
        return plot().contains(top) && !top.closest("button")
      })
    },

    // Waits for the next release of the button; `answer` then promises the times, in milliseconds
    // from it, of the frames that show number and pictures, and when the last of them was painted.
    watch(number) {
      const before = document.querySelector("[data-testid=stImage] img")?.src
      this.answer = new Promise(done => addEventListener("pointerup", ({ timeStamp: start }) => {
        const times = {}
        const look = () => {
          const now = performance.now(), found = shown(number, before)
          if (found.number) times.number ??= now - start
          if (found.pictures) {
            times.pictures = now - start
            afterPaint(() => done({ ...times, start, painted: performance.now() - start }))
          } else if (now - start > 10_000) done(null)
          else schedule(look)
        }
        schedule(look)
      }, { once: true, capture: true }))
    },

    // Messages and requests that the page has sent between two moments.
    sent(from, to) {
      const requests = performance.getEntriesByType("resource").map(({ startTime }) => startTime)
      return [...messages, ...requests].filter(time => time >= from && time <= to).length
    },

    // Notes, for every move of the pointer, the milliseconds until its frame was painted, and counts
    // the frames; `stop` ends it.
    hover() {
      const times = [], start = performance.now()
      let count = 0, isOn = true
      const next = () => { count += 1; if (isOn) schedule(next) }
      const note = event => schedule(() => afterPaint(() => times.push(performance.now() - event.timeStamp)))
      document.addEventListener("pointermove", note)
      schedule(next)
      this.stop = () => {
        isOn = false
        document.removeEventListener("pointermove", note)
        return { times, framesPerSecond: count / (performance.now() - start) * 1000 }
      }
    },

    // Turns on everything that the map can draw: the background too, and a path between two pins.
    async layers(posterior) {
      const { toolbar, model } = map()
      Object.assign(toolbar, { prior: true, names: true, means: true, posterior, background: "grid" })
      map().toolChanged("background")
      if (map().point === null) {
        for (const n of [1, 2, 3]) map().pin(model.codeOf(n), n)
        map().select(0)
        map().choose([4, 5, 6, 7, 8, 9])
      }
      while (!map().background) await new Promise(done => setTimeout(done, 50))
    },

    // Milliseconds of each of `count` frames in which the map is moved a little: of drawing, and
    // until the frame was painted; one frame after the other.
    async move(kind, count) {
      const { scatter } = map(), drawing = [], painted = []
      for (let i = 0; i < count; i++) {
        await new Promise(done => schedule(() => {
          const start = performance.now(), sign = i % 40 < 20 ? 1 : -1
          if (kind === "pan") scatter.pan(5 * sign, 3 * sign)
          else scatter.zoom(0.985 ** sign)
          scatter.draw()
          drawing.push(performance.now() - start)
          afterPaint(() => { painted.push(performance.now() - start); done() })
        }))
      }
      return { drawing, painted }
    },

    // Frames a second over so many milliseconds, and of each of them the milliseconds of drawing.
    frames(milliseconds) {
      const start = performance.now()
      frames.clear()
      return new Promise(done => setTimeout(() => done({
        drawing: [...frames.values()],
        framesPerSecond: frames.size / (performance.now() - start) * 1000,
      }), milliseconds))
    },

    // Milliseconds of one decode, of each of `count` spots of the map, by the page's own decoder.
    decodes(count) {
      const { model } = map()
      const z = i => Float32Array.from({ length: model.size }, (_, j) => Math.sin(i + 7 * j))
      for (let i = 0; i < 50; i++) model.decode(z(i))
      return Array.from({ length: count }, (_, i) => {
        const code = z(i), start = performance.now()
        for (let k = 0; k < 5; k++) model.decode(code)
        return (performance.now() - start) / 5
      })
    },
  }
}
