// The page between the portal and Odoo sends its form by itself, once: coming back to it does not send a used ticket again.

const going = document.querySelector("form[data-go]");
const arrived = performance.getEntriesByType("navigation")[0]?.type;
if (going && arrived !== "back_forward" && arrived !== "reload") going.submit();
