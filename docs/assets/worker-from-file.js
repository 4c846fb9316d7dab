// Browsers start no workers in pages that are opened as files. There the script of the worker runs in a hidden frame,
// which offers it what a worker has: messages, and scripts of its own.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.url = new URL(url, location.href).href
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.appendChild(this.frame)
      const inside = this.frame.contentWindow
      const page = inside.document
      page.open()
      page.write("<!doctype html><body>")
      page.close()
      const load = (address) => new Promise((resolve, reject) => {
        const script = page.createElement("script")
        script.onload = () => resolve()
        script.onerror = () => reject(new Error(address))
        script.src = new URL(address, this.url).href
        page.body.appendChild(script)
      })
      inside.importScripts = (...addresses) => addresses.reduce((before, next) => before.then(() => load(next)), Promise.resolve())
      // As with a worker, a message arrives later, and is a copy.
      inside.postMessage = (data) => {
        const copy = structuredClone(data)
        setTimeout(() => {
          const message = new MessageEvent("message", {data: copy})
          this.dispatchEvent(message)
          if (this.onmessage) this.onmessage(message)
        })
      }
      this.ready = load(this.url)
    }
    postMessage(data) {
      const copy = structuredClone(data)
      this.ready.then(() => setTimeout(() => {
        const inside = this.frame.contentWindow
        if (inside) inside.dispatchEvent(new inside.MessageEvent("message", {data: copy}))
      }))
    }
    terminate() {
      this.frame.remove()
    }
  }
}
