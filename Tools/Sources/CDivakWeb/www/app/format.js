// format.js - numbers, times and names as people read them. SPDX-License-Identifier: Apache-2.0

const THIN = "\u202f"; // keeps a number and its unit on one line
const grouping = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (number) => grouping.format(number).replaceAll(",", THIN);

/** "1 span", "2 spans". */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** A number with three significant digits, without zeros that say nothing. */
function digits(number) {
    if (number >= 100) return number.toFixed(0);
    return String(Number(number.toPrecision(3)));
}

/** A duration in microseconds: "207 ms", "1.43 s", "2 m 5 s". */
export function duration(microseconds) {
    if (microseconds === null || microseconds === undefined || Number.isNaN(microseconds)) return "–";
    const sign = microseconds < 0 ? "−" : "";
    const us = Math.abs(microseconds);
    if (us < 999.5) return `${sign}${digits(us)}${THIN}µs`;
    if (us < 999_500) return `${sign}${digits(us / 1e3)}${THIN}ms`;
    if (us < 59_950_000) return `${sign}${digits(us / 1e6)}${THIN}s`;
    const seconds = Math.round(us / 1e6);
    if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)}${THIN}m ${seconds % 60}${THIN}s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 2880) return `${sign}${Math.floor(minutes / 60)}${THIN}h ${minutes % 60}${THIN}m`;
    return `${sign}${count(Math.round(minutes / 1440))}${THIN}days`;
}

/** "12 %", with a digit more below one. */
export function percent(share) {
    const value = share * 100;
    if (value === 0) return `0${THIN}%`;
    if (value < 0.1) return `<0.1${THIN}%`;
    return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)}${THIN}%`;
}

/** How long before now an instant in epoch milliseconds is. */
export function ago(milliseconds, now = Date.now()) {
    const seconds = Math.round((now - milliseconds) / 1000);
    if (seconds < 0) return seconds > -60 ? "just now" : "in the future";
    if (seconds < 5) return "just now";
    if (seconds < 60) return `${seconds}${THIN}s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)}${THIN}min ago`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)}${THIN}h ago`;
    if (seconds < 30 * 86_400) return plural(Math.floor(seconds / 86_400), "day") + " ago";
    return instant(milliseconds).slice(0, 10);
}

const two = (number) => String(number).padStart(2, "0");

/** Local date and time to the millisecond, of epoch milliseconds. */
export function instant(milliseconds) {
    const date = new Date(milliseconds);
    if (Number.isNaN(date.getTime())) return "no date";
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:`
        + `${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** The same for programs; null when there is no such date. */
export function machineTime(milliseconds) {
    const date = new Date(milliseconds);
    return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** What datetime-local fields take, of epoch milliseconds. */
export const localField = (milliseconds) => instant(milliseconds).slice(0, 19).replace(" ", "T");

/**
 * A duration that people type, in microseconds: "250", "10ms", "1.5 s", "2m". NaN when it is none, null when empty.
 */
export function parseDuration(text) {
    const trimmed = text.trim().toLowerCase();
    if (trimmed === "") return null;
    const match = /^(\d+(?:[.,]\d+)?)\s*(us|µs|μs|ms|s|m|min|h)?$/.exec(trimmed);
    if (!match) return NaN;
    const unit = { us: 1, "µs": 1, "μs": 1, ms: 1e3, s: 1e6, m: 6e7, min: 6e7, h: 3.6e9 }[match[2] ?? "us"];
    return Math.round(Number(match[1].replace(",", ".")) * unit);
}

/** Steps for an axis: the largest of 1, 2, 5 times a power of ten that gives at least `least` ticks. */
export function ticks(from, to, most) {
    const span = to - from;
    if (!(span > 0)) return [from];
    const raw = span / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
    const marks = [];
    for (let mark = Math.ceil(from / step - 1e-9) * step; mark <= to + step * 1e-9; mark += step) marks.push(mark);
    return marks;
}

// What would be invisible, break the line, or turn the text around: shown as its number, like ‹07›.
// eslint-disable-next-line no-control-regex
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** The text with every character in it visible. */
export function visible(text) {
    return String(text).replace(UNSEEN, (character) => {
        const code = character.codePointAt(0);
        if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
        return `‹${code.toString(16).toUpperCase().padStart(code < 0x100 ? 2 : 4, "0")}›`;
    });
}

/** The same for values of many lines: those stay lines. */
export const visibleLines = (text) => String(text).replaceAll("\r\n", "\n").split("\n")
    .map((line) => line.split("\t").map(visible).join("\t")).join("\n");
