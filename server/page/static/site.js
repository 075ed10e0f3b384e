// The frame of all screens: the session that the printed link brings, and keys that lead from screen to screen.
import { isTyping, toast } from "./ui.js";

async function startSession() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  const answer = await fetch("/api/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (answer.ok) location.reload();
  else toast("The token in this link is not the service's: it was started anew since. Open the link that it printed last.", { bad: true });
}

const dialog = document.getElementById("keys");
document.getElementById("show-keys").addEventListener("click", () => dialog.showModal());

let went = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") dialog.showModal();
  else if (event.key === "g") { went = Date.now(); return; }
  else if (event.key === "/") {
    const field = document.querySelector("[data-search]");
    if (!field) return;
    field.focus();
    field.select?.();
  } else if (Date.now() - went < 1500) {
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    went = 0;
    if (!link) return;
    link.click();
  } else return;
  event.preventDefault();
});

startSession();
