// The reader of reader.py in Node, with a connection per set: `node reader.mjs <published> <stop file> <statements> node`.
// It runs beside the folder node_modules that holds @duckdb/node-api.
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DuckDBInstance } from "@duckdb/node-api";

const [published, stop, statements, kind] = process.argv.slice(2);
const said = { kind, served: 0, torn: 0, errors: [], seen: [] };
const seen = new Set();
let ends = false;
while (!ends) {
  ends = existsSync(stop); // the last set is read after the last publication
  const stamps = new Set();
  try {
    const instance = await DuckDBInstance.create(`${published}/current/marts.duckdb`, { access_mode: "READ_ONLY" });
    const connection = await instance.connect();
    for (const statement of JSON.parse(statements)) {
      for (const [stamp] of (await connection.runAndReadAll(statement)).getRowsJson()) stamps.add(stamp);
    }
    said.served += 1;
    await sleep(50);
    connection.closeSync();
    instance.closeSync();
  } catch (error) {
    said.errors.push(String(error));
  }
  said.torn += stamps.size !== 1;
  stamps.forEach((stamp) => seen.add(stamp));
  writeFileSync(join(dirname(stop), `reads-${process.pid}`), "");
}
console.log(JSON.stringify({ ...said, seen: [...seen] }));
