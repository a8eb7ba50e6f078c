package scenarios

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"ringside/kernel"
	"ringside/kernel/program"
	"ringside/nic"
	"ringside/scenarios/lanes"
)

// What a key of the format may hold, as far as its tags say it: the decoder checks
// it where it reads the key, and the schema tells editors.
//
//	enum:"a b"       one of these words
//	list:"contexts"  one of the words of a list below
//	keys:"costs"     a mapping whose keys are of a list
//	range:"1 64"     a number from and to
//	items:"2 6"      a list with so many entries
//
// With pattern and const the schema alone says what the decoder has a better
// message for.

// lists are the words that tags name by a list.
var lists = map[string][]string{
	"abis": program.ABINames, "schedulers": kernel.Schedulers[:], "interrupts": nic.Modes[:], "chips": kernel.IRQChips[:],
	"contexts": kernel.Contexts[:], "points": kernel.Points[1:], "paces": sortedKeys(paces),
	"costs": sortedKeys(kernel.CostNames()), "counters": sortedKeys(lanes.Counters(&kernel.Machine{})),
}

// words are the values that a key may have; nil: any.
func words(tag reflect.StructTag) []string {
	if list := tag.Get("list"); list != "" {
		return lists[list]
	}
	return strings.Fields(tag.Get("enum"))
}

// limits reads two numbers, if a tag has them.
func limits(tag reflect.StructTag, key string) (least, most int, ok bool) {
	text := tag.Get(key)
	if text == "" {
		return 0, 0, false
	}
	n, _ := fmt.Sscan(text, &least, &most)
	return least, most, n == 2
}

// hint says what an unknown name was probably meant to be, or which ones there are
// if they are few.
func hint(name string, known []string) string {
	const few = 8
	if s := program.Nearest(name, known); s != "" || len(known) == 0 || len(known) > few {
		return s
	}
	return ": one of " + strings.Join(known, ", ")
}

// rule checks a value that has been read against the tags of its key.
func (d *decoder) rule(tag reflect.StructTag, v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if of := words(tag); len(of) > 0 && !slices.Contains(of, v.String()) {
		d.failAt(path, "%s: unknown value %q%s", path, v.String(), hint(v.String(), of))
	}
	if least, most, ok := limits(tag, "range"); ok {
		d.within(path, int(v.Int()), least, most)
	}
	if least, most, ok := limits(tag, "items"); ok && (v.Len() < least || v.Len() > most) {
		d.failAt(path, "%s: %d to %d of them", path, least, most)
	}
}

// tagged adds what the tags say to a schema.
func tagged(tag reflect.StructTag, p map[string]any) {
	if of := words(tag); len(of) > 0 {
		p["enum"] = of
		p["type"] = "string"
	}
	if least, most, ok := limits(tag, "range"); ok {
		p["minimum"], p["maximum"] = least, most
	}
	if least, most, ok := limits(tag, "items"); ok {
		p["minItems"], p["maxItems"] = least, most
	}
	if n, err := strconv.Atoi(tag.Get("const")); err == nil {
		p["const"] = n
	}
	if pattern := tag.Get("pattern"); pattern != "" {
		p["pattern"] = pattern
	}
	if list := tag.Get("keys"); list != "" {
		props := map[string]any{}
		for _, key := range lists[list] {
			props[key] = p["additionalProperties"]
		}
		p["properties"], p["additionalProperties"] = props, false
		p["patternProperties"] = map[string]any{"^x-": true}
	}
}
