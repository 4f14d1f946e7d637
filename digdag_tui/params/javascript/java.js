// What Nashorn's compatibility mode adds: java.lang.String's methods on texts, and the names of Java's world.
//
// A text shows these methods to calls only (`typeof ''.startsWith` is "undefined"), so they stand under the names in
// `hidden`, and the engine renames the calls; the same call on any other object reaches the object's own method.
// What runs later than setting up calls ECMAScript 5's library only: es5.js takes the rest away.
(hidden => {
    "use strict";
    const codePointAt = Function.prototype.call.bind(String.prototype.codePointAt), fromCodePoint = String.fromCodePoint;
    const text = String.prototype, last = array => array[array.length - 1];
    const define = (object, name, value, writable) =>
        Object.defineProperty(object, name, { value, writable, enumerable: false, configurable: writable });

    // Regular expressions: a Java pattern as a JavaScript one in mode v.
    const SPACES = {
        s: " \\t-\\r", v: "\\n-\\r\\u0085\\u2028\\u2029",
        h: " \\t\\u00A0\\u1680\\u180E\\u2000-\\u200A\\u202F\\u205F\\u3000"
    };
    const POSIX = {
        Lower: "a-z", Upper: "A-Z", ASCII: "\\x00-\\x7F", Alpha: "a-zA-Z", Digit: "0-9", Alnum: "0-9a-zA-Z", Graph: "\\x21-\\x7E",
        Punct: "\\x21-\\x2F\\x3A-\\x40\\x5B-\\x60\\x7B-\\x7E", Print: "\\x20-\\x7E", Blank: " \\t", Cntrl: "\\x00-\\x1F\\x7F",
        XDigit: "0-9a-fA-F", Space: " \\t-\\r"
    };
    const LINE_BREAK = "(?:\\r\\n|[\\n-\\r\\u0085\\u2028\\u2029])";
    const ANCHORS = { A: "(?<![^])", z: "(?![^])", Z: `(?=${LINE_BREAK}?(?![^]))`, R: LINE_BREAK };
    const CONTROLS = { a: "\\x07", e: "\\x1B" };
    const literal = character =>
        /^[A-Za-z0-9 ]$/.test(character) ? character : `\\u{${codePointAt(character, 0).toString(16)}}`;

    function regex(pattern, flags) {
        const inline = /^\(\?([ims]+)\)/.exec(pattern);
        let position = inline ? inline[0].length : 0, depth = 0, source = "", found;
        if (inline) flags += inline[1];
        function take(expression) {
            expression.lastIndex = position;
            found = expression.exec(pattern);
            if (found) position = expression.lastIndex;
            return found;
        }
        function escaped(name) {
            if (/[pP]/.test(name) && take(/\{(\^?)(?:Is|java)?(\w+)\}|([A-Z])/y)) {
                const property = found[2] || found[3], named = /^(?:[CLMNPSZ][a-z]?|Alphabetic|(?:Low|Upp)ercase|White_Space)$/;
                const inside = POSIX[property] || (named.test(property) ? `\\p{${property}}` : `\\p{Script=${property}}`);
                return ((name === "P") !== (found[1] === "^") ? "[^" : "[") + inside + "]";
            }
            const spaces = SPACES[name.toLowerCase()];
            if (spaces) return (/[A-Z]/.test(name) ? "[^" : "[") + spaces + "]";
            if (name === "x" && take(/([0-9a-fA-F]{2})|\{([0-9a-fA-F]+)\}/y)) return `\\u{${found[1] || found[2]}}`;
            if (name === "u" && take(/[0-9a-fA-F]{4}/y)) return `\\u{${found[0]}}`;
            if (name === "0" && take(/[0-3]?[0-7]{1,2}/y)) return `\\u{${parseInt(found[0], 8).toString(16)}}`;
            if (name === "k" && take(/<\w+>/y)) return "\\k" + found[0];
            if (name === "c") return "\\c" + pattern[position++];
            if (!depth && ANCHORS[name]) return ANCHORS[name];
            return CONTROLS[name] || (/[1-9bBdDwWtnrf]/.test(name) ? "\\" + name : literal(name));
        }
        while (position < pattern.length) {
            if (take(/\\Q([^]*?)(?:\\E|$)/y)) source += [...found[1]].map(literal).join("");
            else if (take(/\\([^])/y)) source += escaped(found[1]);
            else if (take(/\[\^?/y)) { source += found[0]; depth++; if (take(/\]/y)) source += "\\]"; }
            else if (depth && take(/\]/y)) { source += "]"; depth--; }
            else if (depth && take(/&&|-/y)) source += found[0];
            else if (!depth && take(/\(\?>/y)) source += "(?:";
            else if (!depth && take(/\(\?(?:<?[=!:]|<\w+>)|[()|.^]/y)) source += found[0];
            else if (!depth && take(/\$/y)) source += flags.indexOf("m") < 0 ? ANCHORS.Z : "$";
            else if (!depth && take(/([*+?]|\{\d+(?:,\d*)?\})([?+]?)/y)) source += found[1] + (found[2] === "?" ? "?" : "");
            else { take(/[^]/uy); source += literal(found[0]); }
        }
        // Each side of && must be a class of its own in JavaScript: [a-z&&[^b]].
        source = source.replace(/\[(\^?)((?:[^[\]\\]|\\.)+)&&/g, "[$1[$2]&&");
        return new RegExp(source, flags + "v");
    }

    function replacer(template) {
        return (...groups) => {
            const named = typeof last(groups) === "object" ? groups.pop() : {}, count = groups.length - 2;
            const group = value => value === undefined ? "" : value;
            return template.replace(/\\([^])|\$(?:\{(\w+)\}|(\d+))|[\\$]/g, (all, escaped, name, digits) => {
                if (escaped) return escaped;
                if (name && name in named) return group(named[name]);
                if (!digits) throw new Error("Illegal group reference");
                let length = digits.length;
                while (length > 1 && digits.slice(0, length) >= count) length--;
                if (digits.slice(0, length) >= count) throw new Error("No group " + digits.slice(0, length));
                return group(groups[+digits.slice(0, length)]) + digits.slice(length);
            });
        };
    }

    // java.lang.String.format without dates.
    function format(pattern, ...values) {
        let next = 0;
        const kind = value => typeof value === "number" ? (value % 1 ? "Double" : "Integer") : typeof value === "boolean" ? "Boolean" : "String";
        const fill = (content, width, character) => {
            while (content.length < width) content = character + content;
            return content;
        };
        const SPECIFIER = /%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;
        return String(pattern).replace(SPECIFIER, (all, index, flags, width = 0, precision, letter) => {
            const flag = character => flags.indexOf(character) >= 0, conversion = letter.toLowerCase();
            if (conversion === "n") return "\n";
            const position = conversion === "%" ? -1 : index ? index - 1 : next++, value = values[position];
            if (position >= values.length) throw new Error(`Format specifier '${all}'`);
            const expect = type => { if (kind(value) !== type) throw new Error(`${letter} != java.lang.${kind(value)}`); };
            const signed = digits => {
                if (flag(",")) digits = digits.replace(/^\d+/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ","));
                const before = value < 0 ? (flag("(") ? "(" : "-") : flag("+") ? "+" : flag(" ") ? " " : "";
                const after = before === "(" ? ")" : "";
                return before + (flag("0") ? fill(digits, width - before.length - after.length, "0") : digits) + after;
            };
            let content;
            if (conversion === "%") content = "%";
            else if (conversion === "s") content = value === undefined ? "null" : String(value);
            else if (conversion === "b") content = String(value !== null && value !== undefined && value !== false);
            else if (conversion === "c") content = typeof value === "number" ? fromCodePoint(value) : String(value);
            else if (conversion === "d") { expect("Integer"); content = signed(String(Math.abs(value))); }
            else if (conversion === "f") { expect("Double"); content = signed(Math.abs(value).toFixed(precision === undefined ? 6 : precision)); }
            else if (conversion === "e") {
                expect("Double");
                content = signed(Math.abs(value).toExponential(precision === undefined ? 6 : precision).replace(/([+-])(\d)$/, "$10$2"));
            } else if (conversion === "x" || conversion === "o") {
                expect("Integer");
                content = (value < 0 ? value + 4294967296 : value).toString(conversion === "x" ? 16 : 8);
                content = flag("0") ? fill(content, width, "0") : content;
            } else throw new Error(`Conversion = '${letter}'`);
            if (precision !== undefined && (conversion === "s" || conversion === "b")) content = content.slice(0, precision);
            if (letter !== conversion) content = content.toUpperCase();
            if (flag("-")) while (content.length < width) content += " ";
            return fill(content, width, " ");
        });
    }

    const fold = value => String(value).toUpperCase().toLowerCase();
    function compare(a, b) {
        for (let i = 0; i < Math.min(a.length, b.length); i++) {
            if (a[i] !== b[i]) return a.charCodeAt(i) - b.charCodeAt(i);
        }
        return a.length - b.length;
    }
    const methods = {
        codePointAt: text.codePointAt,
        codePointBefore(index) { return codePointAt(last([...this.slice(0, index)]), 0); },
        codePointCount(start, end) { return [...this.slice(start, end)].length; },
        compareTo(other) { return compare(this, String(other)); },
        compareToIgnoreCase(other) { return compare(fold(this), fold(other)); },
        contains(part) { return this.indexOf(part) >= 0; },
        contentEquals(other) { return `${this}` === String(other); },
        endsWith(end) { return this.lastIndexOf(end) >= 0 && this.lastIndexOf(end) === this.length - String(end).length; },
        equals(other) { return `${this}` === other; },
        equalsIgnoreCase(other) { return typeof other === "string" && fold(this) === fold(other); },
        formatted(...values) { return format(this, ...values); },
        hashCode() {
            let hash = 0;
            for (let i = 0; i < this.length; i++) hash = (hash * 31 + this.charCodeAt(i)) | 0;
            return hash;
        },
        intern() { return `${this}`; },
        isBlank() { return this.trim() === ""; },
        isEmpty() { return this.length === 0; },
        length() { return this.length; },
        matches(pattern) {
            const { source, flags } = regex(String(pattern), "");
            return new RegExp(`(?<![^])(?:${source})(?![^])`, flags).test(this);
        },
        regionMatches(ignoreCase, start, other, otherStart, length) {
            if (typeof ignoreCase !== "boolean") return methods.regionMatches.call(this, false, ...arguments);
            const a = this.substr(start, length), b = String(other).substr(otherStart, length);
            return ignoreCase ? fold(a) === fold(b) : a === b;
        },
        repeat: text.repeat,
        replaceAll(pattern, replacement) { return this.replace(regex(String(pattern), "g"), replacer(String(replacement))); },
        replaceFirst(pattern, replacement) { return this.replace(regex(String(pattern), ""), replacer(String(replacement))); },
        startsWith(start, from = 0) { return this.substr(from, String(start).length) === String(start); },
        strip: text.trim,
        stripLeading: text.trimStart,
        stripTrailing: text.trimEnd,
        subSequence: text.substring
    };
    for (const name of Object.keys(methods)) {
        define(String.prototype, hidden[name], methods[name]);
        define(Object.prototype, hidden[name], function () {
            const own = this[name];
            if (typeof own !== "function") throw new TypeError(`(intermediate value).${name} is not a function`);
            return own.apply(this, arguments);
        });
    }

    function JavaString(value) { return new String(value === undefined ? "" : value); }
    JavaString.format = format;
    JavaString.valueOf = JavaString.copyValueOf = value => String(value);
    JavaString.join = (separator, ...parts) => (Array.isArray(parts[0]) ? parts[0] : parts).join(separator);
    const Java = {
        type(name) {
            if (name === "java.lang.String") return JavaString;
            throw new TypeError(`Access to host class ${name} is not allowed or does not exist.`);
        },
        typeName(type) { return type === JavaString ? "java.lang.String" : undefined; },
        isType(type) { return type === JavaString; },
        isJavaObject(value) { return value === JavaString; },
        from(list) { return [...list]; },
        to(list) { return list; }
    };
    const denied = what => () => { throw new Error(what); };
    const java = { lang: { String: JavaString } }, load = denied("Cannot load script"), exit = denied("A template cannot exit");
    const globals = { Java, java, Packages: { java }, load, loadWithNewGlobal: load, exit, quit: exit, printErr() {} };
    globals.template = denied("A template cannot evaluate templates");
    for (const name of ["javafx", "javax", "com", "org", "edu"]) globals[name] = {};
    globals.Graal = { language: "JavaScript", isGraalRuntime() { return false; } };
    for (const name of Object.keys(globals)) define(globalThis, name, globals[name], true);
})
