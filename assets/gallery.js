// A page of thumbnails. Everything shown comes from `data` and goes in as text or as an image address made by the
// server: file names are never read as HTML. Says `picked` (a frame id) on click or Enter, and `page` when turned.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  circle: { d: "M6 1.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z" },
  "circle-open": { d: "M6 2a4 4 0 1 0 0 8a4 4 0 1 0 0-8z", open: true },
  x: { d: "M2.2 2.2l7.6 7.6M9.8 2.2l-7.6 7.6", open: true },
  "triangle-up": { d: "M6 1.2l5 9.3H1z" },
  square: { d: "M2 2h8v8H2z" },
  diamond: { d: "M6 .8l5.2 5.2L6 11.2.8 6z" },
};

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const root = parentElement.querySelector(".gallery");
  root.classList.toggle("large", Boolean(data.large));
  root.classList.toggle("dark", isDark(root));
  root.style.setProperty("--tile", `${data.tile_width}px`);
  const turn = (step) => {
    const page = Math.min(data.pages - 1, Math.max(0, data.page + step));
    if (page !== data.page) setStateValue("page", { of: data.of, page });
  };
  drawBar(root.querySelector(".bar"), data, turn);
  drawGrid(root.querySelector(".grid"), data, turn, (id) => setTriggerValue("picked", id));
}

function drawBar(bar, data, turn) {
  const last = data.first + data.tiles.length;
  bar.hidden = data.large || data.total === 0;
  bar.querySelector(".count").textContent =
    data.pages > 1 ? `${number(data.first + 1)} – ${number(last)} of ${number(data.total)}` : number(data.total) + (data.total === 1 ? " frame" : " frames");
  bar.querySelector(".pager").hidden = data.pages < 2;
  bar.querySelector(".of").textContent = `page ${number(data.page + 1)} of ${number(data.pages)}`;
  const steps = { first: -data.pages, previous: -1, next: 1, last: data.pages };
  for (const [name, step] of Object.entries(steps)) {
    const button = bar.querySelector(`.${name}`);
    button.disabled = step < 0 ? data.page === 0 : data.page >= data.pages - 1;
    button.onclick = () => turn(step);
  }
}

function drawGrid(grid, data, turn, pick) {
  const key = JSON.stringify([data.tiles, data.empty, grid.closest(".gallery").classList.contains("dark")]);
  if (grid.dataset.key !== key) {
    const hadFocus = grid.contains(grid.getRootNode().activeElement);
    grid.dataset.key = key;
    grid.replaceChildren(...data.tiles.map((tile, at) => drawTile(tile, data, at)));
    grid.setAttribute("aria-label", data.label);
    if (!data.tiles.length) grid.append(element("p", "empty", data.empty));
    if (hadFocus && grid.firstElementChild) grid.firstElementChild.focus();
  }
  const choose = (id) => {
    for (const tile of grid.querySelectorAll(".tile")) {
      tile.setAttribute("aria-pressed", String(tile.dataset.id === id));
    }
  };
  if (!data.large && grid.dataset.selected !== data.selected) {
    grid.dataset.selected = data.selected;
    choose(data.selected);
  }
  grid.onclick = (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || data.large) return;
    choose(tile.dataset.id);
    pick(tile.dataset.id);
  };
  grid.onkeydown = (event) => move(grid, event, turn);
  grid.onfocusin = (event) => {
    const tile = event.target.closest(".tile");
    for (const other of grid.querySelectorAll(".tile")) other.tabIndex = other === tile ? 0 : -1;
  };
}

function drawTile(tile, data, at) {
  const box = element(data.large ? "figure" : "button", "tile");
  box.dataset.id = tile.id;
  if (!data.large) {
    box.type = "button";
    box.tabIndex = at === 0 ? 0 : -1; // one stop for Tab; arrows move within
    box.setAttribute("aria-pressed", String(tile.id === data.selected));
  }
  const frame = element("span", "frame");
  const image = element("img");
  image.alt = tile.alt;
  image.loading = "lazy";
  image.decoding = "async";
  image.draggable = false;
  image.onerror = () => {
    if (tile.fallback && image.dataset.fallback !== "used") {
      image.dataset.fallback = "used";
      image.src = tile.fallback;
      box.append(line("detail", "The original is out of reach: this is its small picture."));
    } else {
      frame.replaceChildren(element("span", "missing", "picture not available"));
    }
  };
  image.src = tile.url;
  frame.append(image);
  if (tile.badge) frame.append(drawBadge(tile.badge));
  if (tile.number) {
    const [shown, said] = tile.number;
    const number = element("span", "score", shown);
    number.title = said;
    image.alt += `; ${said}`;
    frame.append(number);
  }
  box.append(frame);
  if (tile.caption) box.append(line("caption", tile.caption));
  if (tile.detail) box.append(line("detail", tile.detail));
  return box;
}

function drawBadge(badge) {
  const plate = element("span", "badge");
  plate.style.setProperty("--light", badge.light);
  plate.style.setProperty("--dark", badge.dark);
  const shape = SHAPES[badge.shape] ?? SHAPES.x;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", shape.d);
  path.setAttribute("class", shape.open ? "open" : "filled");
  svg.append(path);
  plate.append(svg, element("span", "", badge.text));
  return plate;
}

function move(grid, event, turn) {
  const tiles = [...grid.querySelectorAll(".tile")];
  const at = tiles.indexOf(event.target.closest(".tile"));
  if (at < 0) return;
  const row = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row, Home: -at, End: tiles.length - 1 - at };
  if (event.key in steps) {
    tiles[Math.min(tiles.length - 1, Math.max(0, at + steps[event.key]))].focus();
  } else if (event.key === "PageDown" || event.key === "PageUp") {
    turn(event.key === "PageDown" ? 1 : -1);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

function line(name, text) {
  const one = element("span", name, text);
  one.title = text;
  return one;
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

function number(value) {
  return value.toLocaleString("en").replaceAll(",", "\u202f");
}

function isDark(root) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(root).getPropertyValue("--st-background-color").trim() || "#ffffff";
  const [red, green, blue] = probe.fillStyle.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue < 128;
}
