// Runs before anything is drawn, so that a chosen theme does not flash in the other one.
(() => {
  try {
    const theme = localStorage.getItem("eventpulse.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing follows the system.
  }
})();
