// SPDX-License-Identifier: MIT
import type { Calendar } from '../../machines/backplane/host.ts';
import { UserError } from './user-error.ts';

/** No real-time clock here reaches further than a 32-bit count of seconds from 1904. */
const FIRST = Date.UTC(1904, 0, 1);
const LAST = Date.UTC(2040, 1, 6);

/**
 * Calendar time at power-on.
 * @param text `now` or nothing for the host's clock, otherwise an ISO 8601 date: `2001-03-24T12:00:00Z`, `2001-03-24`.
 *   Without a zone it is UTC, so that a run is the same everywhere.
 */
export function calendarFrom(text: string | undefined, now: () => number = Date.now): Calendar {
  if (text === undefined || text === 'now') return { startSeconds: Math.floor(now() / 1000) };
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  const milliseconds = match === null ? NaN : Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}${match[3] ?? 'Z'}`);
  if (!(milliseconds >= FIRST && milliseconds < LAST)) {
    throw new UserError(
      'EMERITUS_DATE',
      `expected a date from 1904 to 2040 as in 2001-03-24T12:00:00Z, or "now"; found "${text}"`,
    );
  }
  return { startSeconds: Math.floor(milliseconds / 1000) };
}
