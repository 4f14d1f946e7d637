// Makes a context ECMAScript 5 and gives the function that runs templates; the last of the scripts that set it up.
// A context that is `shared` by templates has nothing left that one of them could change for the next.
(shared => {
    "use strict";
    const { apply, deleteProperty, ownKeys, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
    const { freeze, defineProperty, keys } = Object, { parse } = JSON, { isArray } = Array, { isWellFormed, replace, indexOf, slice } = String.prototype, { some, map } = Array.prototype;
    const toText = String, global = globalThis, frozen = new Set(), JAVA = Symbol.for("java");

    // Methods that never look at the time: a list that they could not finish in time does not get to them.
    const tooLong = list => list !== null && list !== undefined && list.length > 20000000;
    for (const name of ["concat", "join", "reverse", "shift", "slice", "sort", "splice", "toLocaleString", "unshift"]) {
        const native = Array.prototype[name];
        const guarded = { [name](...items) {
            while (tooLong(this) || apply(some, items, [tooLong])) { /* until the time limit */ }
            return apply(native, this, items);
        } };
        defineProperty(Array.prototype, name, { value: guarded[name] });
    }

    // ECMAScript 5 shows 20 digits at most, and its reflection is for objects only.
    const wrap = (object, names, make) => {
        for (const name of names.split(" ")) {
            const native = object[name], wrapped = { [name](...values) { return make(native, name, this, values); } };
            defineProperty(object, name, { value: wrapped[name] });
        }
    };
    wrap(Number.prototype, "toFixed toExponential toPrecision", (native, name, value, values) => {
        if (values[0] > (name === "toPrecision" ? 21 : 20)) throw new RangeError(`${name}() digits are out of range`);
        return apply(native, value, values);
    });
    const REFLECTION = "freeze getOwnPropertyNames getPrototypeOf isExtensible isFrozen isSealed keys preventExtensions seal";
    wrap(Object, REFLECTION, (native, name, _, values) => {
        if (values[0] === null || (typeof values[0] !== "object" && typeof values[0] !== "function")) {
            throw new TypeError(`Object.${name} called on non-object`);
        }
        return apply(native, Object, values);
    });

    const keep = (object, names) => {
        const kept = new Set(names.split(" "));
        for (const key of ownKeys(object)) if (typeof key === "string" && !kept.has(key)) deleteProperty(object, key);
    };
    const ANY = "length name prototype constructor ";
    keep(Object, ANY + "create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyNames " +
        "getPrototypeOf isExtensible isFrozen isSealed keys preventExtensions seal setPrototypeOf");
    keep(Array, ANY + "isArray");
    keep(Array.prototype, ANY + "push pop slice shift unshift toString concat indexOf lastIndexOf join toLocaleString " +
        "splice every filter forEach some map sort reduce reduceRight reverse");
    keep(String, ANY + "fromCharCode");
    keep(String.prototype, ANY + "charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice " +
        "split substring toLowerCase toLocaleLowerCase toUpperCase toLocaleUpperCase toString valueOf trim trimEnd trimLeft " +
        "trimRight trimStart substr anchor big blink bold fixed fontcolor fontsize italics link small strike sub sup");
    keep(Number, ANY + "MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY");
    keep(Math, "E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos asin atan atan2 ceil cos exp floor log max min pow " +
        "random round sin sqrt tan");
    keep(JSON, "parse stringify");
    keep(RegExp, ANY);
    keep(Error, ANY + "captureStackTrace");
    keep(global, "Object Function Array String Date Number Boolean RegExp Math JSON NaN Infinity undefined isNaN " +
        "isFinite parseFloat parseInt encodeURI encodeURIComponent decodeURI decodeURIComponent eval escape unescape " +
        "Error EvalError RangeError ReferenceError SyntaxError TypeError URIError ArrayBuffer DataView Int8Array Uint8Array " +
        "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array Java JavaImporter JSAdapter " +
        "java javafx javax com org edu Packages load loadWithNewGlobal quit exit printErr Graal moment template");

    function freezeAll(value) {
        if (value === null || (typeof value !== "object" && typeof value !== "function") || frozen.has(value)) return;
        frozen.add(value);
        freezeAll(getPrototypeOf(value));
        for (const key of ownKeys(value)) {
            const property = getOwnPropertyDescriptor(value, key);
            freezeAll(property.value);
            freezeAll(property.get);
            freezeAll(property.set);
        }
        freeze(value);
    }
    if (shared) freezeAll(global);

    // What Digdag's report says of a thrown value, and where it was thrown.
    const own = (object, name) => {
        const property = getOwnPropertyDescriptor(object, name);
        return property && property.value;
    };
    function display(value, depth) {
        if (typeof value === "string") return `"${value}"`;
        if (value === null || typeof value !== "object") return toText(value);
        if (depth > 3) return "...";
        const inner = item => display(item, depth + 1);
        if (isArray(value)) return `[${apply(map, value, [inner]).join(", ")}]`;
        return `{${apply(map, keys(value), [key => `${key}: ${inner(value[key])}`]).join(", ")}}`;
    }
    function describe(error) {
        if (error === null || (typeof error !== "object" && typeof error !== "function")) return [toText(error), ""];
        if (JAVA in error) return [error.message, ""];
        const prototype = getPrototypeOf(error), constructor = prototype && own(prototype, "constructor");
        const name = constructor && constructor.name, message = own(error, "message");
        return [name ? (typeof message === "string" ? `${name}: ${message}` : name) : display(error, 0), toText(error.stack)];
    }

    // Gives the result; in a list when the bridge to Python would cut it off at a NUL; or what was thrown.
    return (template, params) => {
        try {
            let result = apply(template, parse(params), []);
            if (!apply(isWellFormed, result, [])) result = apply(replace, result, [/\p{Surrogate}/gu, "?"]);
            result = apply(slice, result, [0]); // in one piece, which the bridge wants
            return apply(indexOf, result, ["\0"]) < 0 ? result : [result];
        } catch (error) {
            return describe(error);
        }
    };
})
