// Adds up vitest's JSON results in a folder, names every skipped and failed test, and ends with one line of totals.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
let passed = 0;
let failed = 0;
let skipped = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const { testResults } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const suite = file.replace('.json', '');
  for (const { assertionResults, status, name, message } of testResults) {
    if (status === 'failed' && assertionResults.length === 0) {
      failed++;
      console.log(`failed: [${suite}] ${name}: ${message}`);
    }
    for (const test of assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') {
        failed++;
        console.log(`failed: [${suite}] ${test.fullName}`);
      } else {
        skipped++;
        console.log(`skipped: [${suite}] ${test.fullName}`);
      }
    }
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
