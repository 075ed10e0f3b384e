// A tree of any size in a window: rows are asked for by their place when they come into view, and only those are drawn.
import { ask, bdi, h, number, toast, url } from "./ui.js";

const PAGE = 100;
const TALLEST = 8_000_000; // pixels that every browser can scroll over; a longer tree is scrolled in proportion
const SPARE = 6;

/** What is directly under a node: how many rows, those that were read, and which of them are open. */
class Branch {
  constructor(node, total, above = null, place = 0) {
    Object.assign(this, { node, total, above, place, size: total, pages: new Map(), open: [] });
  }

  get depth() {
    return this.above ? this.above.depth + 1 : 0;
  }

  row(place) {
    const page = this.pages.get(Math.floor(place / PAGE));
    return Array.isArray(page) ? page[place % PAGE] : undefined;
  }

  opened(place) {
    return this.open.find((each) => each.place === place);
  }

  add(branch) {
    this.open = [...this.open, branch].sort((one, other) => one.place - other.place);
    this.grow(branch.size);
  }

  drop(branch) {
    this.open = this.open.filter((each) => each !== branch);
    this.grow(-branch.size);
  }

  grow(rows) {
    for (let branch = this; branch; branch = branch.above) branch.size += rows;
  }

  /** Find what stands in a line of the list. */
  at(line) {
    let passed = 0;
    for (const child of this.open) {
      const first = child.place + passed + 1;
      if (line < first) break;
      if (line < first + child.size) return child.at(line - first);
      passed += child.size;
    }
    return { branch: this, place: line - passed };
  }

  /** The line in which a place of this branch is. */
  line(place) {
    const passed = this.open.reduce((sum, child) => sum + (child.place < place ? child.size : 0), 0);
    return place + passed + (this.above ? this.above.line(this.place) + 1 : 0);
  }

  all() {
    return [this, ...this.open.flatMap((each) => each.all())];
  }
}

export class Outline {
  /** `first`: the API's answer for the root. `onchoose(row)` when a row is gone to, `ondrop(row, target)` after a drag. */
  constructor(element, first, { onchoose, ondrop, mayDrag }) {
    Object.assign(this, { element, onchoose, ondrop, mayDrag });
    this.rows = element.querySelector(".rows");
    this.version = first.version;
    this.root = new Branch(first.node, first.total);
    this.current = null; // { branch, place }
    this.cut = null;
    this.keep(this.root, first);
    this.rows.classList.add("ready");
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    element.addEventListener("keydown", (event) => this.key(event));
    element.addEventListener("click", (event) => this.clicked(event));
    element.addEventListener("focus", () => { if (!this.current && this.root.total) this.go(this.root, 0, { quiet: true }); });
    new ResizeObserver(() => this.draw()).observe(element);
    this.bindDrag();
    this.draw();
  }

  keep(branch, answer) {
    for (let at = 0; at < answer.rows.length; at += PAGE) {
      const page = answer.rows.slice(at, at + PAGE);
      const whole = page.length === PAGE || answer.start + at + page.length >= answer.total;
      if (whole) branch.pages.set((answer.start + at) / PAGE, page);
    }
  }

  get rowHeight() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
  }

  /** Lines that fit, and the first one in view. */
  view() {
    const tall = this.rowHeight;
    const lines = this.root.size;
    const height = Math.min(lines * tall, TALLEST);
    const seen = this.element.clientHeight / tall;
    const scaled = lines * tall > TALLEST;
    const top = this.element.scrollTop;
    const first = scaled ? (top / Math.max(1, height - this.element.clientHeight)) * Math.max(0, lines - seen) : top / tall;
    return { tall, lines, height, seen, scaled, top, first };
  }

  draw() {
    const { tall, lines, height, seen, scaled, top, first } = this.view();
    this.rows.style.height = `${height}px`;
    const from = Math.max(0, Math.floor(first) - SPARE);
    const to = Math.min(lines, Math.ceil(first + seen) + SPARE);
    const drawn = [];
    for (let line = from; line < to; line += 1) {
      const { branch, place } = this.root.at(line);
      const item = this.item(branch, place);
      item.style.transform = `translateY(${scaled ? top + (line - first) * tall : line * tall}px)`;
      drawn.push(item);
    }
    this.rows.replaceChildren(...drawn);
    const here = this.rows.querySelector(".current");
    if (here) this.element.setAttribute("aria-activedescendant", here.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  item(branch, place) {
    const row = branch.row(place);
    const isCurrent = this.current && this.current.branch === branch && this.current.place === place;
    const attributes = {
      class: "item", role: "treeitem", id: `row-${branch.node}-${place}`, "aria-level": branch.depth + 1,
      "aria-setsize": branch.total, "aria-posinset": place + 1, "aria-selected": String(Boolean(isCurrent)),
    };
    if (!row) {
      this.read(branch, Math.floor(place / PAGE));
      return this.indent(h("div", { ...attributes, class: "item unread", "aria-busy": "true" }, h("span", { class: "twisty" }), h("span", { class: "bone" }, h("span", { class: "visually-hidden" }, "is being read"))), branch, place, isCurrent);
    }
    const opened = branch.opened(place);
    if (row.below) attributes["aria-expanded"] = String(Boolean(opened));
    const isCut = this.cut && this.cut.row.node === row.node && this.cut.row.label === row.label && this.cut.under === branch.node;
    const element = h("div", { ...attributes, class: `item${row.label === null ? " group" : ""}${isCut ? " cut" : ""}` },
      h("span", { class: "twisty", "aria-hidden": "true" }),
      bdi(row.name.length > 500 ? `${row.name.slice(0, 500)}…` : row.name, { class: "clip" }),
      row.notation ? h("code", { class: "clip" }, row.notation.slice(0, 60)) : null,
      row.opening ? h("i", { class: "wait", "aria-label": "opening" }) : null,
      row.below ? h("span", { class: "count" }, number(row.below)) : null);
    return this.indent(element, branch, place, isCurrent);
  }

  indent(element, branch, place, isCurrent) {
    element.branch = branch;
    element.place = place;
    element.style.paddingInlineStart = `${Math.min(branch.depth, 12) * 1.125 + 0.25}rem`;
    if (isCurrent) element.classList.add("current");
    return element;
  }

  async read(branch, page) {
    if (branch.pages.has(page)) return;
    branch.pages.set(page, "reading");
    try {
      const answer = await ask(url(`/api/outline/${branch.node}`, { start: page * PAGE, limit: PAGE }));
      if (answer.version !== this.version) return this.refresh();
      branch.pages.set(page, answer.rows);
    } catch (error) {
      setTimeout(() => branch.pages.delete(page), 2000);
      if (error.status === 404) return this.refresh();
      toast(error.message, { bad: true });
    }
    this.draw();
  }

  /** Read the open branches again, at the places where they are now. */
  async refresh() {
    if (this.refreshing) { this.again = true; return this.refreshing; }
    this.refreshing = this.readAgain().finally(() => { this.refreshing = null; });
    await this.refreshing;
    if (this.again) { this.again = false; await this.refresh(); }
  }

  async readAgain() {
    const opened = this.root.all().filter((each) => each.above).map((each) => each.node);
    const before = this.row();
    const under = this.current?.branch.node;
    const { first } = this.view();
    const visible = this.root.size ? this.root.at(Math.min(Math.floor(first), this.root.size - 1)) : null;
    const build = async (node, above, place) => {
      const start = visible && visible.branch.node === node ? Math.floor(visible.place / PAGE) * PAGE : 0;
      const query = new URLSearchParams([["start", start], ["limit", PAGE], ...opened.slice(0, 200).map((each) => ["open", each])]);
      const answer = await ask(`/api/outline/${node}?${query}`);
      this.version = answer.version;
      const branch = new Branch(node, answer.total, above, place);
      this.keep(branch, answer);
      for (const each of answer.open) if (each.total) branch.add(await build(each.node, branch, each.place));
      return branch;
    };
    try {
      this.root = await build(this.root.node, null, 0);
    } catch (error) {
      toast(error.message, { bad: true });
    }
    this.current = null;
    if (before) this.current = await this.find(before, under);
    this.draw();
  }

  /** Where a row is now, among what is open; null where it is not in view. */
  async find(row, under) {
    try {
      const way = await ask(url("/api/outline-way", row.label === null ? { node: row.node, under } : { label: row.label, under }));
      const branch = way && this.root.all().find((each) => each.node === way.parent);
      return branch ? { branch, place: way.place } : null;
    } catch {
      return null;
    }
  }

  row() {
    return this.current ? this.current.branch.row(this.current.place) : undefined;
  }

  /** Names from the top down to a row. */
  path(branch, place) {
    const own = branch.row(place)?.name ?? "";
    return branch.above ? [...this.path(branch.above, branch.place), own] : [own];
  }

  /** Open all above a label or node and go to it. Returns its row, null where it stands nowhere; throws a Refusal. */
  async reveal(query, { quiet = false } = {}) {
    const way = await ask(url("/api/outline-way", query));
    if (!way) {
      this.current = null;
      this.draw();
      return null;
    }
    let branch = this.root;
    for (const step of way.open) {
      let below = branch.opened(step.place);
      if (!below) {
        below = new Branch(step.node, step.total, branch, step.place);
        branch.add(below);
      }
      branch = below;
    }
    if (!branch.row(way.place)) await this.read(branch, Math.floor(way.place / PAGE));
    this.go(branch, way.place, { quiet, centre: true });
    return way.row;
  }

  go(branch, place, { quiet = false, centre = false } = {}) {
    this.current = { branch, place };
    const line = branch.line(place);
    const { tall, lines, height, seen, scaled, first } = this.view();
    this.rows.style.height = `${height}px`;
    const isOut = line < first || line > first + seen - 1;
    if (isOut) {
      const wanted = centre ? line - seen / 2 : line < first ? line : line - seen + 1;
      this.element.scrollTop = scaled ? (Math.max(0, wanted) / Math.max(1, lines - seen)) * (height - this.element.clientHeight) : wanted * tall;
    }
    this.draw();
    if (!quiet && branch.row(place)) this.onchoose(branch.row(place), branch);
  }

  async toggle(branch, place, wanted = null, { again = true } = {}) {
    const row = branch.row(place);
    const opened = branch.opened(place);
    if (!row?.below || wanted === Boolean(opened)) return;
    if (opened) {
      const line = branch.line(place);
      for (let each = this.current?.branch; each; each = each.above) if (each === opened) this.current = { branch, place };
      branch.drop(opened);
      if (this.view().first > line) this.element.scrollTop = line * this.rowHeight;
      return this.draw();
    }
    if (row.opening) return;
    const below = new Branch(row.node, row.below, branch, place);
    row.opening = setTimeout(() => this.draw(), 150);
    try {
      const answer = await ask(url(`/api/outline/${row.node}`, { limit: PAGE }));
      if (answer.version !== this.version) {
        await this.refresh();
        const here = again && (await this.find(row, branch.node));
        return here ? this.toggle(here.branch, here.place, true, { again: false }) : undefined;
      }
      below.total = below.size = answer.total;
      this.keep(below, answer);
      if (answer.total && !branch.opened(place)) branch.add(below);
    } catch (error) {
      if (error.status === 404) return void this.refresh();
      toast(error.message, { bad: true });
    } finally {
      clearTimeout(row.opening);
      delete row.opening;
    }
    this.draw();
  }

  clicked(event) {
    const item = event.target.closest(".item");
    if (!item?.branch || this.dragged) return;
    if (event.target.closest(".twisty")) this.toggle(item.branch, item.place);
    else if (this.current?.branch === item.branch && this.current.place === item.place && event.detail === 2) this.toggle(item.branch, item.place);
    else this.go(item.branch, item.place);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.root.total) return;
    if (!this.current) this.current = { branch: this.root, place: 0 };
    const { branch, place } = this.current;
    const line = branch.line(place);
    const page = Math.max(1, Math.floor(this.view().seen) - 1);
    const lines = { ArrowDown: line + 1, ArrowUp: line - 1, Home: 0, End: this.root.size - 1, PageDown: line + page, PageUp: line - page };
    if (event.key in lines) {
      const { branch: to, place: at } = this.root.at(Math.max(0, Math.min(this.root.size - 1, lines[event.key])));
      this.go(to, at);
    } else if (event.key === "ArrowRight") {
      const opened = branch.opened(place);
      if (opened) this.go(opened, 0);
      else this.toggle(branch, place, true);
    } else if (event.key === "ArrowLeft") {
      if (branch.opened(place)) this.toggle(branch, place, false);
      else if (branch.above) this.go(branch.above, branch.place);
    } else if (event.key === "Enter" || event.key === " ") {
      if (branch.row(place)) this.onchoose(branch.row(place), branch, { enter: true });
    } else return;
    event.preventDefault();
  }

  /** Dragging with a mouse or pen: a row onto the row under which it shall stand. Escape leaves it. */
  bindDrag() {
    let start = null;
    let ghost = null;
    let target = null;
    let timer = null;
    const end = () => {
      clearInterval(timer);
      ghost?.remove();
      this.rows.querySelectorAll(".target").forEach((each) => each.classList.remove("target"));
      document.body.classList.remove("dragging");
      start = ghost = target = timer = null;
      setTimeout(() => { this.dragged = false; });
    };
    const point = (x, y) => {
      const item = document.elementFromPoint(x, y)?.closest?.("#tree .item");
      this.rows.querySelectorAll(".target").forEach((each) => each.classList.remove("target"));
      if (item?.branch !== target?.branch || item?.place !== target?.place) {
        target = item?.branch ? { branch: item.branch, place: item.place, since: Date.now() } : null;
      }
      if (item) item.classList.add("target");
    };
    this.element.addEventListener("pointerdown", (event) => {
      const item = event.target.closest(".item");
      if (event.button || event.pointerType === "touch" || !item?.branch?.row(item.place) || event.target.closest(".twisty") || !this.mayDrag()) return;
      start = { x: event.clientX, y: event.clientY, branch: item.branch, place: item.place };
    });
    document.addEventListener("pointermove", (event) => {
      if (!start) return;
      const { clientX: x, clientY: y } = event;
      if (!ghost) {
        if (Math.hypot(x - start.x, y - start.y) < 6) return;
        this.dragged = true;
        const row = start.branch.row(start.place);
        ghost = h("div", { class: "ghost" }, "Move ", bdi(row.name.slice(0, 200), { class: "clip" }));
        document.body.append(ghost);
        document.body.classList.add("dragging");
        timer = setInterval(() => {
          const { top, bottom } = this.element.getBoundingClientRect();
          const by = ghost.y < top + 30 ? -12 : ghost.y > bottom - 30 ? 12 : 0;
          if (by) { this.element.scrollTop += by; point(ghost.x, ghost.y); }
          if (target && Date.now() - target.since > 700) { this.toggle(target.branch, target.place, true); target.since = Infinity; }
        }, 30);
      }
      Object.assign(ghost, { x, y });
      ghost.style.transform = `translate(${x + 12}px, ${y + 8}px)`;
      point(x, y);
      event.preventDefault();
    });
    document.addEventListener("pointerup", () => {
      if (!start) return;
      const moved = ghost ? start : null;
      const onto = target;
      end();
      if (!moved || !onto || (onto.branch === moved.branch && onto.place === moved.place)) return;
      if (onto.branch.row(onto.place)) this.ondrop(moved, onto);
    });
    document.addEventListener("pointercancel", end);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && ghost) { event.preventDefault(); end(); } });
  }
}
