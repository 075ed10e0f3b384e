// Exchanges the token, from the printed link or typed, for a session.
const refused = document.getElementById("refused");

async function signIn(token) {
  history.replaceState(null, "", location.pathname + location.search);
  const answer = await fetch("/api/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (answer.ok) return location.reload();
  refused.textContent = "That is not the service's token. It changes when the service is started anew, unless --token sets it.";
  refused.hidden = false;
}

document.getElementById("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(new FormData(event.target).get("token"));
});

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) signIn(given);
