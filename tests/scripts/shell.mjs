// Runs shell text with the library of bin/lib loaded, in an installation of its own.

import { after } from "node:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..", "..");
const folders = [];

after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function emptyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "sayoo-scripts-"));
  folders.push(folder);
  return folder;
}

export function shell(text, folder = emptyFolder(), env = {}) {
  const libraries = ["common", "postgres", "packages", "steps", "docker", "configuration", "program", "counting"];
  const load = libraries.map((name) => `. ${root}/bin/lib/${name}.sh`).join("\n");
  const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("SAYOO") && key !== "DATABASE_URL"));
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `${load}\nmake_folders\n${text}`], {
    encoding: "utf8",
    env: { ...clean, SAYOO_VAR: folder, ...env },
  });
  return { status, stdout, stderr, folder };
}
