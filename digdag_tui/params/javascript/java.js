// What Nashorn's compatibility mode adds: java.lang.String's methods on texts, and the names of Java's world.
//
// A text shows these methods to calls only (`typeof ''.startsWith` is "undefined"), so they stand under the names in
// `hidden`, and the engine renames the calls; the same call on any other object reaches the object's own method.
// What runs later than setting up calls ECMAScript 5's library only: es5.js takes the rest away.
(hidden => {
    "use strict";
    const method = name => Function.prototype.call.bind(String.prototype[name]), { fromCodePoint } = String;
    const codePointAt = method("codePointAt"), repeat = method("repeat"), trimStart = method("trimStart");
    const trimEnd = method("trimEnd"), last = array => array[array.length - 1];
    const define = (object, name, value, writable) =>
        Object.defineProperty(object, name, { value, writable, enumerable: false, configurable: writable });

    const JAVA = Symbol.for("java"), { toPrimitive } = Symbol, NativeProxy = Proxy;

    // A Java exception, which Digdag reports by its message alone (es5.js).
    class JavaException {
        constructor(type, message) {
            this.message = message;
            this[JAVA] = type;
        }
        getMessage() { return this.message; }
        toString() { return `${this[JAVA]}: ${this.message}`; }
    }
    const fail = (type, message) => { throw new JavaException(`java.${type}Exception`, message); };
    const outside = message => fail("lang.StringIndexOutOfBounds", message);

    const malformed = (what, pattern, index) => fail("util.regex.PatternSyntax",
        `${what} near index ${index}\n${pattern}` + (index < pattern.length ? `\n${repeat(" ", index)}^` : ""));

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
            if (CONTROLS[name] || /[1-9bBdDwWtnrf]/.test(name)) return CONTROLS[name] || "\\" + name;
            if (/[A-Za-z]/.test(name)) malformed("Illegal/unsupported escape sequence", pattern, position - 1);
            return literal(name);
        }
        while (position < pattern.length) {
            if (take(/\\Q([^]*?)(?:\\E|$)/y)) source += [...found[1]].map(literal).join("");
            else if (take(/\\([^])/y)) source += escaped(found[1]);
            else if (take(/\[\^?/y)) { source += found[0]; depth++; if (take(/\]/y)) source += "\\]"; }
            else if (depth && take(/\]/y)) { source += "]"; depth--; }
            else if (take(/\\/y)) malformed("Unexpected internal error", pattern, position);
            else if (depth && take(/&&/y)) source += found[0];
            else if (depth && take(/-/y)) source += pattern[position] === "]" || /[[^\]]$|\\[dDwW]$/.test(source) ? "\\-" : "-";
            else if (!depth && take(/\(\?>/y)) source += "(?:";
            else if (!depth && take(/\(\?(?:<?[=!:]|<\w+>)|[()|.^]/y)) source += found[0];
            else if (!depth && take(/\$/y)) source += flags.indexOf("m") < 0 ? ANCHORS.Z : "$";
            else if (!depth && take(/([*+?]|\{\d+(?:,\d*)?\})([?+]?)/y)) source += found[1] + (found[2] === "?" ? "?" : "");
            else { take(/[^]/uy); source += literal(found[0]); }
        }
        // Each side of && must be a class of its own in JavaScript: [a-z&&[^b]].
        source = source.replace(/\[(\^?)((?:[^[\]\\]|\\.)+)&&/g, "[$1[$2]&&");
        try {
            return new RegExp(source, flags + "v");
        } catch (error) {
            const { message } = error, { length } = pattern, dangling = /(?:^|[(|])([*+?])/.exec(pattern);
            if (/expecting '\)'/.test(message)) malformed("Unclosed group", pattern, length);
            if (message === "unexpected end") malformed("Unclosed character class", pattern, length - 1);
            if (message === "nothing to repeat" && dangling) {
                malformed(`Dangling meta character '${dangling[1]}'`, pattern, dangling.index + dangling[0].length - 1);
            }
            return fail("util.regex.PatternSyntax", `${message}\n${pattern}`);
        }
    }

    function replacer(template) {
        return (...groups) => {
            const named = typeof last(groups) === "object" ? groups.pop() : {}, count = groups.length - 2;
            const group = value => value === undefined ? "" : value;
            return template.replace(/\\([^])|\$(?:\{(\w+)\}|(\d+))|[\\$]/g, (all, escaped, name, digits) => {
                if (escaped) return escaped;
                if (name && name in named) return group(named[name]);
                if (name) fail("lang.IllegalArgument", `No group with name {${name}}`);
                if (all === "\\") fail("lang.IllegalArgument", "character to be escaped is missing");
                if (!digits) fail("lang.IllegalArgument", "Illegal group reference");
                let length = digits.length;
                while (length > 1 && digits.slice(0, length) >= count) length--;
                if (digits.slice(0, length) >= count) fail("lang.IndexOutOfBounds", "No group " + digits.slice(0, length));
                return group(groups[+digits.slice(0, length)]) + digits.slice(length);
            });
        };
    }

    const isInt = value => (value | 0) === value;
    const kind = value => typeof value === "number" ? (isInt(value) ? "Integer" : "Double") : typeof value === "boolean" ? "Boolean" : "String";
    function javaText(value) {
        if (kind(value) !== "Double" || !isFinite(value)) return value === undefined ? "null" : String(value);
        const size = Math.abs(value), digits = String(value);
        if (size >= 1e-3 && size < 1e7) return digits.indexOf(".") < 0 ? digits + ".0" : digits;
        const [mantissa, exponent] = value.toExponential().split("e");
        return `${mantissa.indexOf(".") < 0 ? mantissa + ".0" : mantissa}E${Number(exponent)}`;
    }

    // java.lang.String.format without dates.
    function format(pattern, ...values) {
        let next = 0;
        if (values.length === 1 && Array.isArray(values[0])) values = values[0];
        const illegal = message => fail("util.IllegalFormat", message);
        const fill = (content, width, character) => {
            while (content.length < width) content = character + content;
            return content;
        };
        const SPECIFIER = /%(?:(\d+)\$)?([-#+ 0,(]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g;
        return String(pattern).replace(SPECIFIER, (all, index, flags, width = 0, precision, letter) => {
            const flag = character => flags.indexOf(character) >= 0, conversion = letter.toLowerCase();
            if (conversion === "n") return "\n";
            const position = conversion === "%" ? -1 : index ? index - 1 : next++, value = values[position];
            if (position >= values.length) illegal(`Format specifier '${all}'`);
            const expect = type => { if (kind(value) !== type) illegal(`${letter} != java.lang.${kind(value)}`); };
            const signed = digits => {
                if (flag(",")) digits = digits.replace(/^\d+/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ","));
                const before = value < 0 ? (flag("(") ? "(" : "-") : flag("+") ? "+" : flag(" ") ? " " : "";
                const after = before === "(" ? ")" : "";
                return before + (flag("0") ? fill(digits, width - before.length - after.length, "0") : digits) + after;
            };
            let content;
            if (conversion === "%") content = "%";
            else if (conversion === "s") content = javaText(value);
            else if (conversion === "b") content = String(value !== null && value !== undefined && value !== false);
            else if (conversion === "c") { expect("Integer"); content = fromCodePoint(value); }
            else if (conversion === "d") { expect("Integer"); content = signed(String(Math.abs(value))); }
            else if (conversion === "f") { expect("Double"); content = signed(Math.abs(value).toFixed(precision === undefined ? 6 : precision)); }
            else if (conversion === "e") {
                expect("Double");
                content = signed(Math.abs(value).toExponential(precision === undefined ? 6 : precision).replace(/([+-])(\d)$/, "$10$2"));
            } else if (conversion === "x" || conversion === "o") {
                expect("Integer");
                content = (value < 0 ? value + 4294967296 : value).toString(conversion === "x" ? 16 : 8);
                content = flag("0") ? fill(content, width, "0") : content;
            } else illegal(`Conversion = '${letter}'`);
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
    // java.text.Collator: first the letters count, then accents, blanks and hyphens, then small before capital.
    const normalize = method("normalize"), MARKS = "_,;:!?/.`^~'\"()[]{}@$*&\\#%+<=>|0123456789";
    const ACCENT = /[ \u00A0-]|\p{M}/u;
    function collate(a, b) {
        const parts = value => {
            const letters = [], accents = [], cases = [];
            for (const character of normalize(value, "NFD")) {
                const small = character.toLowerCase(), mark = MARKS.indexOf(character);
                if (ACCENT.test(character)) {
                    accents.push(letters.length * 0x110000 + codePointAt(character, 0));
                } else {
                    letters.push(mark < 0 ? 0x100 + codePointAt(small, 0) : mark);
                    cases.push(+(small !== character));
                }
            }
            return [letters, accents, cases];
        };
        const order = (mine, theirs) => {
            let index = 0;
            while (index < mine.length && mine[index] === theirs[index]) index++;
            if (index < mine.length && index < theirs.length) return mine[index] < theirs[index] ? -1 : 1;
            return mine.length < theirs.length ? -1 : +(mine.length > theirs.length);
        };
        const [letters, accents, cases] = parts(a), theirs = parts(b);
        return order(letters, theirs[0]) || order(accents, theirs[1]) || order(cases, theirs[2]);
    }
    define(String.prototype, "localeCompare", function (other) { return collate(String(this), String(other)); }, true);

    const count = number => ({ count() { return number; } });

    // The signatures of each method (s a text, i an integer, b a boolean, o anything, * any number of them) and what it does.
    const METHODS = {
        chars: ["", text => count(text.length)],
        codePointAt: ["i", (text, index) => {
            if (index < 0 || index >= text.length) outside(`index ${index}, length ${text.length}`);
            return codePointAt(text, index);
        }],
        codePointBefore: ["i", (text, index) => codePointAt(last([...text.slice(0, index)]), 0)],
        codePointCount: ["ii", (text, start, end) => [...text.slice(start, end)].length],
        codePoints: ["", text => count([...text].length)],
        compareTo: ["s", compare],
        compareToIgnoreCase: ["s", (text, other) => compare(fold(text), fold(other))],
        contains: ["s", (text, part) => text.indexOf(part) >= 0],
        contentEquals: ["s", (text, other) => text === `${other}`],
        endsWith: ["s", (text, end) => text.slice(Math.max(0, text.length - end.length)) === `${end}`],
        equals: ["o", (text, other) => text === other],
        equalsIgnoreCase: ["s", (text, other) => other !== null && other !== undefined && fold(text) === fold(other)],
        formatted: ["*", format],
        getBytes: [" s", () => ({})],
        getClass: ["", () => JavaString],
        hashCode: ["", text => {
            let hash = 0;
            for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
            return hash;
        }],
        indent: ["i", (text, width) => text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n").map(line =>
            (width < 0 ? line.replace(new RegExp(`^\\s{0,${-width}}`), "") : repeat(" ", width) + line) + "\n").join("")],
        intern: ["", text => text],
        isBlank: ["", text => text.trim() === ""],
        isEmpty: ["", text => text.length === 0],
        length: ["", text => text.length],
        lines: ["", text => count(text === "" ? 0 : text.replace(/(?:\r\n?|\n)$/, "").split(/\r\n?|\n/).length)],
        matches: ["s", (text, pattern) => {
            const { source, flags } = regex(`${pattern}`, "");
            return new RegExp(`(?<![^])(?:${source})(?![^])`, flags).test(text);
        }],
        offsetByCodePoints: ["ii", (text, start, offset) => start + [...text.slice(start)].slice(0, offset).join("").length],
        regionMatches: ["isii bisii", (text, ...rest) => {
            const [ignoreCase, start, other, otherStart, length] = rest.length === 5 ? rest : [false, ...rest];
            const a = text.substr(start, length), b = other.substr(otherStart, length);
            return a.length === length && (ignoreCase ? fold(a) === fold(b) : a === b);
        }],
        repeat: ["i", (text, times) => times < 0 ? fail("lang.IllegalArgument", `count is negative: ${times}`) : repeat(text, times)],
        replaceAll: ["ss", (text, pattern, replacement) => text.replace(regex(`${pattern}`, "g"), replacer(`${replacement}`))],
        replaceFirst: ["ss", (text, pattern, replacement) => text.replace(regex(`${pattern}`, ""), replacer(`${replacement}`))],
        startsWith: ["s si", (text, start, from = 0) => from >= 0 && text.slice(from, from + start.length) === `${start}`],
        strip: ["", text => text.trim()],
        stripLeading: ["", text => trimStart(text)],
        stripTrailing: ["", text => trimEnd(text)],
        subSequence: ["ii", (text, start, end) => {
            if (start < 0 || end > text.length || start > end) outside(`begin ${start}, end ${end}, length ${text.length}`);
            return text.slice(start, end);
        }],
        toCharArray: ["", () => ({})],
        transform: ["o", (text, change) => change(text)]
    };
    const isNull = value => value === null || value === undefined;
    const FITS = {
        s: value => isNull(value) || typeof value === "string" || value instanceof String,
        i: isInt, b: value => typeof value === "boolean", o: () => true
    };
    function check(name, signatures, values) {
        const fits = signature => signature === "*" ||
            (signature.length === values.length && values.every((value, index) => FITS[signature[index]](value)));
        if (!signatures.some(fits)) {
            throw new TypeError(`execute on foreign object failed due to: ${name} takes no such arguments`);
        }
        if (signatures[0][0] === "s" && name !== "equalsIgnoreCase" && values.some(isNull)) {
            fail("lang.NullPointer", `Cannot invoke "String.${name}" because an argument is null`);
        }
    }
    for (const name of Object.keys(METHODS)) {
        const signatures = METHODS[name][0].split(" "), method = METHODS[name][1];
        const dispatch = { call(...values) {
            if (typeof this === "string") {
                check(name, signatures, values);
                return method(`${this}`, ...values);
            }
            const own = this[name];
            if (typeof own !== "function") throw new TypeError(`(intermediate value).${name} is not a function`);
            return own.apply(this, values);
        } };
        define(Object.prototype, hidden[name], dispatch.call);
    }

    const defineAll = (object, members) => {
        for (const name of Object.keys(members)) define(object, name, members[name], true);
        return object;
    };
    const refuse = message => () => { throw new TypeError(message); };
    const JavaString = defineAll(function (value) { return new String(isNull(value) ? "" : value); }, {
        format, valueOf: javaText, copyValueOf: javaText, toJSON: refuse("Converting circular structure to JSON"),
        getName() { return "java.lang.String"; }, getSimpleName() { return "String"; },
        join(separator, ...parts) { return (Array.isArray(parts[0]) ? parts[0] : parts).join(separator); }
    });
    const isFunction = value => typeof value === "function", no = () => false;
    const Java = defineAll({}, {
        type(name) {
            if (name === "java.lang.String") return JavaString;
            throw new TypeError(`Access to host class ${name} is not allowed or does not exist.`);
        },
        typeName(type) { return type === JavaString ? "java.lang.String" : undefined; },
        isType(type) { return type === JavaString; },
        isJavaObject(value) { return value === JavaString; },
        isJavaFunction: no, isJavaMethod: no, isScriptFunction: isFunction,
        isScriptObject(value) { return isFunction(value) || (typeof value === "object" && value !== null); },
        from: refuse("Cannot convert to JavaScript array."), to: refuse("Message not supported."),
        extend: refuse("Message not supported."), super: refuse("Message not supported."),
        synchronized: refuse("Message not supported."), addToClasspath: refuse("Message not supported.")
    });
    // Any name below a package is a package; the only class in all of them is java.lang.String.
    const inPackage = path => new NativeProxy({}, {
        get(_, name) {
            if (typeof name !== "string") return name === toPrimitive ? () => `[JavaPackage ${path}]` : undefined;
            const full = path === "" ? name : `${path}.${name}`;
            return full === "java.lang.String" ? JavaString : inPackage(full);
        }
    });
    const denied = what => () => { throw new Error(what); }, load = denied("Cannot load script");
    const exit = () => { throw new JavaException("exit", "null"); };
    const globals = { Java, Packages: inPackage(""), load, loadWithNewGlobal: load, exit, quit: exit, printErr() {} };
    globals.JavaImporter = globals.JSAdapter = refuse("Message not supported.");
    globals.template = denied("A template cannot evaluate templates");
    for (const name of ["java", "javafx", "javax", "com", "org", "edu"]) globals[name] = inPackage(name);
    globals.Graal = { language: "JavaScript", isGraalRuntime() { return false; } };
    defineAll(globalThis, globals);
})
