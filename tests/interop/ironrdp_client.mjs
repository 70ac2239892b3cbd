// IronRDP's web client as a program without a browser: it types, clicks, and keeps a file of what it shows.
//
// node ironrdp_client.mjs MODULE PORT USER PASSWORD WIDTH HEIGHT PICTURE. MODULE is the package's JavaScript file.
// It prints "connected" when it is, and ends in order at SIGTERM. PICTURE has red, green and blue of each pixel,
// row by row; it is replaced as a whole.
//
// The client knows no TCP: it talks to a gateway over a WebSocket, which does X.224 and TLS for it (RDCleanPath).
// That gateway is in here, in the place of the WebSocket; each TLS record is a message, as with a gateway that
// passes on what one read of its TLS library returns.

import fs from "node:fs";
import net from "node:net";
import tls from "node:tls";

const [module, port, user, password, width, height, picture] = process.argv.slice(2);

// -- as much of DER as an RDCleanPath PDU needs: SEQUENCE of [0] version, [6] X.224 PDU, [7] certificates, [9] address

const CLEAN_PATH_VERSION = Buffer.from([0x0d, 0x3e]);
const INTEGER = 0x02, OCTET_STRING = 0x04, UTF8_STRING = 0x0c, SEQUENCE = 0x30, CONTEXT = 0xa0;

function der(tag, value) {
    const size = [];
    for (let rest = value.length; rest; rest >>= 8) size.unshift(rest & 0xff);
    const length = value.length < 0x80 ? [value.length] : [0x80 | size.length, ...size];
    return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

function* elements(data) {
    for (let at = 0; at < data.length; ) {
        const tag = data[at];
        let size = data[at + 1];
        at += 2;
        if (size >= 0x80) {
            const count = size - 0x80;
            size = data.readUIntBE(at, count);
            at += count;
        }
        yield { tag, value: data.subarray(at, at + size) };
        at += size;
    }
}

class Gateway extends EventTarget {
    readyState = 0;
    bufferedAmount = 0;
    #sent = Promise.resolve();
    #tls = null;

    constructor() {
        super();
        setTimeout(() => {
            this.readyState = 1;
            this.#fire(new Event("open"));
        });
    }

    #fire(event) {
        this[`on${event.type}`]?.(event);
        this.dispatchEvent(event);
    }

    #message(data) {
        this.#fire(new MessageEvent("message", { data: new Uint8Array(data).buffer }));
    }

    send(data) {
        this.#sent = this.#sent.then(async () => this.#take(Buffer.from(await new Blob([data]).arrayBuffer())));
    }

    #take(data) {
        if (this.#tls) this.#tls.write(data);
        else if (data.length) this.#connect(data);
    }

    #connect(request) {
        const [{ value: fields }] = elements(request);
        const field = [...elements(fields)].find(({ tag }) => tag === CONTEXT + 6);
        const [{ value: connectionRequest }] = elements(field.value);
        const socket = net.connect(Number(port), "127.0.0.1", () => socket.write(connectionRequest));
        socket.once("data", (confirm) => {
            this.#tls = tls.connect({ socket, rejectUnauthorized: false }, () => {
                const certificate = der(OCTET_STRING, this.#tls.getPeerX509Certificate().raw);
                this.#message(
                    der(
                        SEQUENCE,
                        Buffer.concat([
                            der(CONTEXT, der(INTEGER, CLEAN_PATH_VERSION)),
                            der(CONTEXT + 6, der(OCTET_STRING, confirm)),
                            der(CONTEXT + 7, der(SEQUENCE, certificate)),
                            der(CONTEXT + 9, der(UTF8_STRING, Buffer.from(`127.0.0.1:${port}`))),
                        ]),
                    ),
                );
                this.#tls.on("data", (data) => this.#message(data));
                this.#tls.on("end", () => this.close());
            });
        });
    }

    close() {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.#tls?.end();
        this.#fire(Object.assign(new Event("close"), { code: 1000, reason: "", wasClean: true }));
    }
}

// -- as much of a browser as the client asks for

class Canvas {
    width = Number(width);
    height = Number(height);
    style = {};
    pixels = Buffer.alloc(this.width * this.height * 3);
    #context = new CanvasRenderingContext2D(this);

    getContext() {
        return this.#context;
    }
}

globalThis.CanvasRenderingContext2D = class CanvasRenderingContext2D {
    constructor(canvas) {
        this.canvas = canvas;
    }

    putImageData(image, left, top, x = 0, y = 0, columns = image.width, rows = image.height) {
        const { pixels, width } = this.canvas;
        for (let row = y; row < y + rows; row++) {
            for (let column = x; column < x + columns; column++) {
                const from = (row * image.width + column) * 4;
                const to = ((top + row) * width + left + column) * 3;
                pixels.set(image.data.subarray(from, from + 3), to);
            }
        }
        keep();
    }
};
globalThis.HTMLCanvasElement = Canvas;
globalThis.ImageData = class ImageData {
    constructor(data, width, height = data.length / 4 / width) {
        Object.assign(this, { data, width, height });
    }
};
globalThis.CloseEvent = class CloseEvent extends Event {};
globalThis.WebSocket = Gateway;
globalThis.Window = class Window {};
Object.setPrototypeOf(globalThis, Window.prototype);
globalThis.window = globalThis.self = globalThis;

const canvas = new Canvas();
let isDue = false;

/** Write the picture down, with all that comes meanwhile. */
function keep() {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
        isDue = false;
        fs.writeFileSync(`${picture}.partial`, canvas.pixels);
        fs.renameSync(`${picture}.partial`, picture);
    });
}

// -- the client

const { Backend, init } = await import(module);
await init("ERROR");
const { DesktopSize, DeviceEvent, InputTransaction, SessionBuilder } = Backend;
const ignore = () => {};
const session = await new SessionBuilder()
    .username(user)
    .password(password)
    .destination(`127.0.0.1:${port}`)
    .serverDomain("")
    .proxyAddress("ws://127.0.0.1/")
    .authToken("none")
    .desktopSize(new DesktopSize(canvas.width, canvas.height))
    .renderCanvas(canvas)
    .setCursorStyleCallbackContext({})
    .setCursorStyleCallback(ignore)
    .remoteClipboardChangedCallback(ignore)
    .forceClipboardUpdateCallback(ignore)
    .canvasResizedCallback(ignore)
    .connect();
console.log("connected");
process.on("SIGTERM", () => session.shutdown());
const ended = session.run();
for (const event of [
    DeviceEvent.keyPressed(0x1e),
    DeviceEvent.keyReleased(0x1e),
    DeviceEvent.keyPressed(0xe01d),
    DeviceEvent.keyReleased(0xe01d),
    DeviceEvent.mouseMove(40, 30),
    DeviceEvent.mouseButtonPressed(0),
    DeviceEvent.mouseButtonReleased(0),
]) {
    const transaction = new InputTransaction();
    transaction.addEvent(event);
    session.applyInputs(transaction);
}
console.log("ended:", (await ended).reason());
process.exit(0);
