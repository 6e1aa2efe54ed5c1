// Shows the picture that another page sent along, and takes it further.
import { info } from "./shared/api.js";
import { broughtAlong, goTo, showPages } from "./shared/pages.js";

const about = await info();
const file = await broughtAlong(about.system);
if (file) document.getElementById("picture").src = URL.createObjectURL(file);
showPages(document.getElementById("pages"), about.pages, (page) => goTo(page, file ?? undefined));
document.getElementById("status").textContent = file ? `${file.name}, ${file.size} bytes` : "no picture";
