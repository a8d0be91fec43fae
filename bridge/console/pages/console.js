// Keeps the page fresh. Everything works without it: pages are reloaded by hand then.
"use strict";
(() => {
  const main = document.getElementById("main");
  const state = document.getElementById("live");
  if (location.search.includes("done=")) {
    const u = new URL(location);
    u.searchParams.delete("done"); // said once; a reload must not say it again
    history.replaceState(null, "", u);
  }

  const units = [[86400 * 2, 86400, " days"], [3600, 3600, " h"], [60, 60, " min"], [0, 1, " s"]];
  const said = (t) => {
    const d = (Date.now() + skew - Date.parse(t.dateTime)) / 1000;
    if (Number.isNaN(d)) return;
    const a = Math.abs(d);
    const [, by, unit] = units.find(([from]) => a >= from);
    t.textContent = a < 1 ? "now" : d < 0 ? `in ${Math.floor(a / by)}${unit}` : `${Math.floor(a / by)}${unit} ago`;
  };
  const asOf = document.getElementById("as-of");
  const skew = asOf ? Date.parse(asOf.dateTime) - Date.now() : 0;
  const times = () => document.querySelectorAll("time.ago").forEach(said);
  setInterval(times, 5000);

  // A button acts without leaving a page that is live: what comes of it shows by itself.
  document.addEventListener("submit", async (e) => {
    const form = e.target;
    if (!form.matches("form.inline[data-done]") || !main?.dataset.fresh) return;
    e.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    let answer = null;
    try {
      answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    } catch { /* the bridge is gone; the form says so below */ }
    if (answer?.type !== "opaqueredirect") { form.submit(); return; } // shows what is in the way
    button.disabled = false;
    main.querySelector(".flash")?.remove();
    const said = document.createElement("p");
    said.className = "flash";
    said.setAttribute("role", "status");
    main.prepend(said);
    said.textContent = form.dataset.done;
  });

  if (!main || !main.dataset.live || !window.EventSource) return;
  const typing = () => {
    const e = document.activeElement;
    return e && main.contains(e) && /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName);
  };
  const selecting = () => {
    const s = getSelection();
    return s && !s.isCollapsed && main.contains(s.anchorNode);
  };
  // What somebody has chosen or written stays when the page around it is replaced.
  const chosen = "input[id]:not([type=hidden]), select[id], textarea[id]";
  const changed = (e) => e.type === "checkbox" ? e.checked !== e.defaultChecked
    : e.options ? [...e.options].some((o) => o.selected !== o.defaultSelected) : e.value !== e.defaultValue;
  const keep = (next) => main.querySelectorAll(chosen).forEach((old) => {
    const e = next.querySelector("#" + CSS.escape(old.id));
    if (!e || !changed(old)) return;
    if (e.type === "checkbox") e.checked = old.checked;
    else if (!e.options || [...e.options].some((o) => o.value === old.value)) e.value = old.value;
  });
  // What a page says, apart from how long ago, what is folded open and what was just answered.
  const saying = (page) => {
    const copy = page.cloneNode(true);
    copy.querySelectorAll("time.ago").forEach((t) => { t.textContent = ""; });
    copy.querySelectorAll("details[id]").forEach((d) => { d.open = false; });
    copy.querySelectorAll(".flash").forEach((f) => f.remove());
    return copy.innerHTML.trim();
  };
  let waiting = null;
  const show = (html) => {
    if (typing() || selecting()) { waiting = html; return; }
    waiting = null;
    const next = new DOMParser().parseFromString(html, "text/html").body;
    if (saying(next) === saying(main)) return; // nobody's click or choice is disturbed for nothing
    const open = new Map([...main.querySelectorAll("details[id]")].map((d) => [d.id, d.open]));
    const focus = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : "";
    next.querySelectorAll("details[id]").forEach((d) => { if (open.has(d.id)) d.open = open.get(d.id); });
    keep(next);
    const flash = main.querySelector(".flash");
    main.replaceChildren(...next.childNodes);
    if (flash) main.prepend(flash);
    times();
    if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
  };
  addEventListener("focusout", () => setTimeout(() => { if (waiting) show(waiting); }, 0));
  document.addEventListener("selectionchange", () => { if (waiting) show(waiting); });

  // Says on top that the page stands still: nobody may take what was for what is.
  const still = (why, since) => {
    if (document.getElementById("still")) return;
    delete main.dataset.fresh;
    const said = document.createElement("p");
    said.id = "still";
    said.className = "alert";
    said.setAttribute("role", "alert");
    said.textContent = `${why} What stands below is as of ${new Date(since + skew).toISOString().slice(11, 19)} UTC.`;
    main.prepend(said);
  };
  let silence = 0; // since when nobody answers; a stream that begins anew at once is nothing to be told
  const heard = () => { clearTimeout(silence); silence = 0; };
  const source = new EventSource(main.dataset.live);
  source.addEventListener("view", (e) => {
    heard();
    document.getElementById("still")?.remove();
    state.textContent = "This page is live.";
    main.dataset.fresh = "1";
    show(e.data); // the first is what the page shows already, unless something happened meanwhile
  });
  source.addEventListener("stale", () => {
    heard();
    state.textContent = "";
    still("The bridge cannot look at this anew now: its store does not answer, or its log says why.", Date.now());
  });
  source.addEventListener("over", () => { source.close(); location.reload(); });
  source.onerror = () => {
    state.textContent = "Not live at the moment; reload the page for a newer view.";
    const now = Date.now();
    silence ||= setTimeout(() => still("This page gets nothing new now: the bridge does not answer, or has too many pages open.", now), 5000);
  };
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
})();
