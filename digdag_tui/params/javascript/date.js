// Dates in a time zone of their own, as the JavaScript of Digdag has them (GraalJS 19.3 in ECMAScript 5 mode).
//
// `zone` lists the periods of a time zone: `starts` (UTC), `savings` and `offsets` (ms, summer time alone and in all)
// and `names`; `standard` is the offset that it had on 1970-01-01, which Digdag takes for its standard time ever since.
// What runs later than setting up calls ECMAScript 5's library only: es5.js takes the rest away.
(zone => {
    "use strict";
    const NativeDate = Date, prototype = NativeDate.prototype, bind = Function.prototype.call;
    const getTime = bind.bind(prototype.getTime), setTime = bind.bind(prototype.setTime), UTC = NativeDate.UTC;
    const scratch = new NativeDate(0);
    const KNOWN_UNTIL = UTC(2066, 0, 1);

    // A time before 2066 in a year that has the same calendar: rules of summer time name weekdays, so they repeat.
    function known(time) {
        if (!(time >= KNOWN_UNTIL)) return time;
        const calendar = year => [new NativeDate(UTC(year, 0, 1)).getUTCDay(), UTC(year + 1, 0, 1) - UTC(year, 0, 1)].join();
        const year = new NativeDate(time).getUTCFullYear();
        let same = 2038;
        while (calendar(same) !== calendar(year)) same++;
        return time - UTC(year, 0, 1) + UTC(same, 0, 1);
    }

    function period(time) {
        let low = 0, high = zone.starts.length - 1;
        time = known(time);
        while (low < high) {
            const middle = (low + high + 1) >> 1;
            if (zone.starts[middle] <= time) low = middle; else high = middle - 1;
        }
        return low;
    }

    const local = time => time + zone.standard + zone.savings[period(time)];
    const utc = time => time - zone.standard - zone.savings[period(time - zone.standard)];
    const define = (object, name, value) =>
        Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });

    for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"]) {
        const get = bind.bind(prototype["getUTC" + part]), set = prototype["setUTC" + part];
        define(prototype, "get" + part, function () {
            setTime(scratch, local(getTime(this)));
            return get(scratch);
        });
        if (set) define(prototype, "set" + part, function () {
            return setTime(this, utc(set.apply(new NativeDate(local(getTime(this))), arguments)));
        });
    }
    define(prototype, "getYear", function () { return this.getFullYear() - 1900; });
    define(prototype, "setYear", function (year) {
        year = Number(year);
        return this.setFullYear(year > -1 && year < 100 ? 1900 + (year | 0) : year);
    });
    define(prototype, "getTimezoneOffset", function () { return (getTime(this) - local(getTime(this))) / 60000; });

    // Texts show the zone's true offset, whatever the parts above say.
    const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const pad = (number, width = 2) => {
        const digits = String(Math.abs(number));
        return (number < 0 ? "-" : "") + "0000".slice(0, Math.max(0, width - digits.length)) + digits;
    };
    const day = date =>
        `${WEEKDAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${pad(date.getUTCDate())} ${pad(date.getUTCFullYear(), 4)}`;
    const clock = date => `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
    const name = (offset, name) => {
        const minutes = Math.floor(Math.abs(offset) / 60000);
        return `GMT${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}${pad(minutes % 60)} (${name})`;
    };
    const defineText = (method, format) => define(prototype, method, function () {
        const time = getTime(this), index = period(time), offset = zone.offsets[index];
        return time === time ? format(new NativeDate(time + offset), name(offset, zone.names[index])) : "Invalid Date";
    });
    defineText("toString", (date, name) => `${day(date)} ${clock(date)} ${name}`);
    defineText("toLocaleString", (date, name) => `${day(date)} ${clock(date)} ${name}`);
    defineText("toDateString", day);
    defineText("toTimeString", (date, name) => `${clock(date)} ${name}`);
    defineText("toLocaleTimeString", clock);
    defineText("toLocaleDateString", date => date.toISOString().slice(0, -14));

    // Texts in ECMAScript 5's form are UTC unless they say otherwise; texts in any other form are local.
    const ISO = /^([+-]\d{6}|\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d?):?(\d\d?)?)?)?$/;
    const ISO_BEGUN = /^(?:[+-]\d{6}|\d{4})(?:-\d\d(?:-\d\d)?)?T/;
    const LOOSE = /(\d+):(\d+)(?::(\d+)(?:[.:](\d+))?)?|(\d+)-?|([A-Za-z]+)|([+-])(\d\d?)(:?)(\d\d?)?|\([^)]*\)?|[\s!"#%&'*,./:;?@\\]/y;
    const NAMES = "jan feb mar apr may jun jul aug sep oct nov dec sun mon tue wed thu fri sat am pm".split(" ");
    const FULL_NAMES = ("january february march april may june july august september october november december " +
        "sunday monday tuesday wednesday thursday friday saturday am pm").split(" ");
    const ZONES = { z: 0, gmt: 0, ut: 0, utc: 0, est: -300, edt: -240, cst: -360, cdt: -300, mst: -420, mdt: -360, pst: -480, pdt: -420 };

    function make(year, month, date, hours, minutes, seconds, ms) {
        const result = new NativeDate(0);
        result.setUTCFullYear(year, month - 1, date);
        return result.setUTCHours(hours, minutes, seconds, ms);
    }
    const milliseconds = digits => Number(((digits || "0") + "00").slice(0, 3));
    const minutesOf = (sign, hours, minutes) => (sign === "-" ? -1 : 1) * (60 * hours + Number(minutes || 0));

    function parse(text) {
        text = String(text).trim();
        const found = ISO.exec(text);
        if (!found) return ISO_BEGUN.test(text) ? NaN : parseLoose(text);
        const [, year, month = 1, date = 1, hours = 0, minutes = 0, seconds = 0, , sign, zoneHours, zoneMinutes] = found;
        const ms = milliseconds(found[7]), late = +minutes || +seconds || ms;
        if (month < 1 || month > 12 || date < 1 || date > 31 || minutes > 59 || seconds > 59 || hours > (late ? 23 : 24)) return NaN;
        return make(+year, month, +date, +hours, +minutes, +seconds, ms) - minutesOf(sign, zoneHours || 0, zoneMinutes) * 60000;
    }

    function parseLoose(text) {
        const fields = [undefined, undefined, undefined];
        let times, offset, named = false, position = 0;
        while (position < text.length) {
            LOOSE.lastIndex = position;
            const found = LOOSE.exec(text);
            if (!found) return NaN;
            position = LOOSE.lastIndex;
            const [, hours, minutes, seconds = 0, fraction, number, word, sign, zoneHours, colon, zoneMinutes] = found;
            if (hours) {
                if (times || hours > 24 || minutes > 59 || seconds > 59) return NaN;
                times = [+hours, +minutes, +seconds, milliseconds(fraction)];
            } else if (number) {
                const field = fields.indexOf(undefined);
                if (field < 0 || number.length > 9) return NaN;
                fields[field] = +number;
            } else if (word) {
                const lower = word.toLowerCase(), index = NAMES.indexOf(lower.slice(0, 3));
                if (ZONES.hasOwnProperty(lower)) {
                    if (offset !== undefined) return NaN;
                    offset = ZONES[lower];
                } else if (index < 0 || FULL_NAMES[index].indexOf(lower) !== 0) {
                    return NaN;
                } else if (index >= 19) {
                    if (!times) return NaN;
                    if (times[0] <= 12) times[0] = times[0] % 12 + (index === 20 ? 12 : 0);
                } else if (index < 12) {
                    if (fields[1] !== undefined) return NaN;
                    fields[1] = index + 1;
                    named = true;
                }
            } else if (sign) {
                if (offset) return NaN;
                offset = !colon && zoneMinutes && zoneMinutes.length === 1
                    ? minutesOf(sign, zoneHours[0], zoneHours[1] + zoneMinutes)
                    : minutesOf(sign, zoneHours, zoneMinutes);
            }
        }
        if (fields[0] === undefined && !times) return NaN;
        let [year = 0, month = 1, date = 1] = fields;
        if (year >= 1 && year <= 31) [year, month, date] = named ? [date, month, year] : [date, year, month];
        if (month < 1 || month > 12 || date < 1 || date > 31) return NaN;
        if (year < 100) year += year >= 50 ? 1900 : 2000;
        const result = make(year, month, date, ...(times || [0, 0, 0, 0]));
        return offset === undefined ? utc(result) : result - offset * 60000;
    }

    function primitive(value) {
        if (value instanceof NativeDate) return getTime(value);
        if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
        const plain = value.valueOf();
        return plain !== null && typeof plain === "object" ? value.toString() : plain;
    }

    function ZonedDate(value) {
        if (!new.target) return new NativeDate().toString();
        if (arguments.length === 0) return new NativeDate();
        if (arguments.length > 1) return new NativeDate(utc(UTC.apply(null, arguments)));
        value = primitive(value);
        return new NativeDate(typeof value === "string" ? parse(value) : value);
    }
    Object.defineProperty(ZonedDate, "name", { value: "Date" });
    Object.defineProperty(ZonedDate, "length", { value: 7 });
    Object.defineProperty(ZonedDate, "prototype", { value: prototype, writable: false });
    // Without Symbol.toPrimitive a Date is a number in sums and comparisons.
    Object.defineProperty(prototype, Symbol.toPrimitive, {
        value(hint) { return hint === "string" ? this.toString() : this.valueOf(); }
    });
    define(prototype, "constructor", ZonedDate);
    define(ZonedDate, "now", NativeDate.now);
    define(ZonedDate, "UTC", UTC);
    define(ZonedDate, "parse", parse);
    define(globalThis, "Date", ZonedDate);
})
