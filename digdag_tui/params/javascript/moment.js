// What moment 2.21, Digdag's version, does otherwise than 2.13 (a later one keeps what it has).
(() => {
    "use strict";
    if (moment.version !== "2.13.0") return;
    moment.version = "2.21.0";
    const fn = moment.fn;
    const replace = (object, names, make) => {
        for (const name of names.split(" ")) object[name] = make(object[name]);
    };

    // Texts: RFC 2822 is read before Date gets to guess.
    const RFC_2822 = /^(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s)?(\d{1,2})\s(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s(\d{2,4})\s(\d\d):(\d\d)(?::(\d\d))?\s(?:(UT|GMT|[ECMP][SD]T)|([Zz])|([+-]\d{4}))$/;
    const ZONES = { UT: 0, GMT: 0, EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420 };
    const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
    const DAYS = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
    moment.RFC_2822 = () => {};
    moment.createFromInputFallback = config => {
        const text = String(config._i).replace(/\([^)]*\)|[\n\t]/g, " ").replace(/\s\s+/g, " ").trim();
        const found = RFC_2822.exec(text);
        if (!found) {
            config._d = new Date(config._i + (config._useUTC ? " UTC" : ""));
            return;
        }
        const [, weekday, day, month, digits, hour, minute, second = 0, zone, , offset] = found;
        const year = +digits + (digits <= 49 ? 2000 : digits <= 999 ? 1900 : 0);
        const date = Date.UTC(year, MONTHS.indexOf(month), +day, +hour, +minute, +second);
        config._tzm = offset ? 60 * (offset / 100 | 0) + offset % 100 : ZONES[zone] || 0;
        config._d = weekday && DAYS[new Date(date).getUTCDay()] !== weekday ? new Date(NaN) : new Date(date - config._tzm * 60000);
    };
    replace(fn, "parseZone", () => function () {
        if (this._tzm !== undefined && this._tzm !== null) return this.utcOffset(this._tzm);
        if (typeof this._i !== "string") return this;
        return /Z|[+-]\d\d:?\d\d/i.test(this._i) ? this.utcOffset(this._i) : this.utcOffset(0, true);
    });

    // Texts of a moment.
    replace(fn, "toISOString", () => function (keepOffset) {
        if (!this.isValid()) return null;
        const shown = keepOffset === true ? this.clone() : this.clone().utc(), year = shown.year();
        const zone = keepOffset === true ? "Z" : "[Z]";
        return shown.format((year < 0 || year > 9999 ? "YYYYYY" : "YYYY") + "-MM-DD[T]HH:mm:ss.SSS" + zone);
    });
    replace(fn, "toJSON", () => function () { return this.isValid() ? this.toISOString() : null; });
    fn.inspect = function () {
        if (!this.isValid()) return `moment.invalid(/* ${this._i} */)`;
        const name = this.isLocal() ? "moment" : this.utcOffset() === 0 ? "moment.utc" : "moment.parseZone";
        const year = this.year(), long = 0 <= year && year <= 9999 ? "YYYY" : "YYYYYY";
        return this.format(`[${name}("]${long}-MM-DD[T]HH:mm:ss.SSS${this.isLocal() ? "" : "Z"}[")]`);
    };
    replace(fn, "toDate", () => function () { return new Date(this.valueOf()); });
    moment.HTML5_FMT = {
        DATETIME_LOCAL: "YYYY-MM-DDTHH:mm", DATETIME_LOCAL_SECONDS: "YYYY-MM-DDTHH:mm:ss",
        DATETIME_LOCAL_MS: "YYYY-MM-DDTHH:mm:ss.SSS", DATE: "YYYY-MM-DD", TIME: "HH:mm", TIME_SECONDS: "HH:mm:ss",
        TIME_MS: "HH:mm:ss.SSS", WEEK: "YYYY-[W]WW", MONTH: "YYYY-MM"
    };

    // Setters: NaN is ignored, 29 February becomes the 28th in another year, objects set greater units first.
    replace(fn, "year years hour hours minute minutes second seconds millisecond milliseconds date dates", set => function (value) {
        if (value === undefined || value === null) return set.call(this);
        return this.isValid() && !isNaN(value) ? set.call(this, value) : this;
    });
    replace(fn, "year years", set => function (value) {
        const leapDay = this.month() === 1 && this.date() === 29;
        if (leapDay && value) this.date(new Date(Date.UTC(value, 2, 0)).getUTCDate());
        return set.apply(this, arguments);
    });
    const ORDER = ["year", "weekYear", "isoWeekYear", "dayOfYear", "week", "isoWeek", "quarter", "month", "date", "day", "weekday", "isoWeekday"];
    replace(fn, "set", set => function (units) {
        if (units === null || typeof units !== "object") return set.apply(this, arguments);
        const rank = unit => (ORDER.indexOf(moment.normalizeUnits(unit)) + 100) % 100;
        for (const unit of Object.keys(units).sort((a, b) => rank(a) - rank(b))) set.call(this, unit, units[unit]);
        return this;
    });
    replace(fn, "isoWeekday", weekday => function (day) {
        if (typeof day !== "string" || !this.isValid()) return weekday.apply(this, arguments);
        return weekday.call(this, this.localeData().weekdaysParse(day) % 7 || 7);
    });

    // Sums: months, then days, then the rest.
    replace(fn, "add subtract", step => function (value, unit) {
        if (!this.isValid()) return this;
        if (value === null || typeof value !== "object") return step.apply(this, arguments);
        const { _months, _days, _milliseconds } = moment.duration(value, unit);
        if (_months) step.call(this, _months, "month");
        if (_days) step.call(this, _days, "day");
        return _milliseconds || !(_months || _days) ? step.call(this, _milliseconds, "ms") : this;
    });

    replace(fn, "utcOffset", set => function (offset) {
        return typeof offset === "string" && !/Z|[+-]\d\d/i.test(offset) ? this : set.apply(this, arguments);
    });
    replace(moment, "localeData", data => name => data(name) || data());
    const UNTIL = { "-6": "sameElse", "-1": "lastWeek", 0: "lastDay", 1: "sameDay", 2: "nextDay", 7: "nextWeek" };
    moment.calendarFormat = (date, now) => {
        const days = date.diff(now, "days", true), limit = [-6, -1, 0, 1, 2, 7].filter(limit => days < limit)[0];
        return UNTIL[limit] || "sameElse";
    };

    // A part whose sign is not that of the whole shows it; seconds have three digits at most.
    moment.duration.fn.toISOString = function () {
        const whole = this.asSeconds(), { _months, _days, _milliseconds } = this;
        if (!whole) return "P0D";
        const seconds = Math.abs(_milliseconds) / 1000, months = Math.abs(_months);
        const part = (source, number, unit) => number ? (source < 0 !== whole < 0 ? "-" : "") + number + unit : "";
        const time = part(_milliseconds, Math.floor(seconds / 3600), "H") + part(_milliseconds, Math.floor(seconds / 60) % 60, "M") +
            part(_milliseconds, +(seconds % 60).toFixed(3), "S");
        const date = part(_months, Math.floor(months / 12), "Y") + part(_months, months % 12, "M") + part(_days, Math.abs(_days), "D");
        return (whole < 0 ? "-P" : "P") + date + (time && "T" + time);
    };
    moment.duration.fn.toJSON = moment.duration.fn.toISOString;
    moment.duration.fn.isValid = function () { return !isNaN(this.valueOf()); };
    moment.duration.fn.clone = function () { return moment.duration(this); };
    const localeFn = Object.getPrototypeOf(moment.localeData());
    for (const list of ["months", "monthsShort", "weekdays", "weekdaysShort", "weekdaysMin"]) {
        replace(localeFn, list, names => function (one) {
            const all = this["_" + list];
            return one ? names.apply(this, arguments) : Array.isArray(all) ? all : all.standalone;
        });
    }
})
