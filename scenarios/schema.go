package scenarios

import (
	"encoding/json"
	"reflect"

	"ringside/scenarios/guide"
)

// Schema is the JSON Schema (draft-07) of scenario files, made from the format's
// own types, for editors' YAML language servers.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[file]())
	root["definitions"] = map[string]any{"part": part(schemaOf(reflect.TypeFor[file]()))}
	return printed(root, "ringside scenario")
}

// printed is a schema as a document.
func printed(root map[string]any, title string) []byte {
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = title
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps of strings cannot fail
	}
	return append(b, '\n')
}

// part is the schema of a part of a file, which is read over the whole one: nothing
// is required of it.
func part(schema map[string]any) map[string]any {
	delete(schema, "required")
	for _, v := range schema {
		if inner, ok := v.(map[string]any); ok {
			part(inner)
		}
	}
	return schema
}

// patterns are the scalars with rules of their own; numbers are those that may
// stand without quotes and unit too.
var (
	patterns = map[reflect.Type]string{
		reflect.TypeFor[Duration](): `^[0-9.]+ *(ns|us|ms|s)$`,
		reflect.TypeFor[Size]():     `^[0-9.]+ *(B|KiB|MiB|GiB)$`,
		reflect.TypeFor[Rate]():     `^[0-9]+ *(/s)?$`,
		reflect.TypeFor[Speed]():    `^[0-9.]+$`,
	}
	numbers = map[reflect.Type]bool{reflect.TypeFor[Rate](): true, reflect.TypeFor[Speed](): true}
)

func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[guide.Text]():
		return map[string]any{"type": []string{"string", "object"}, "additionalProperties": map[string]any{"type": "string"}}
	case reflect.TypeFor[Questions]():
		return map[string]any{"type": []string{"boolean", "integer"}, "minimum": 0}
	case reflect.TypeFor[overlay]():
		return map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/part"}}} // beside a $ref no description counts
	}
	if p, ok := patterns[t]; ok {
		if numbers[t] {
			return map[string]any{"type": []string{"string", "number"}, "pattern": p}
		}
		return map[string]any{"type": "string", "pattern": p}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Uint64:
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{"type": "integer"}
}

func objectSchema(t reflect.Type) map[string]any {
	props, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		p := schemaOf(f.Type)
		p["description"] = f.Tag.Get("doc")
		tagged(f.Tag, p)
		props[f.Tag.Get("yaml")] = p
		if f.Tag.Get("required") != "" {
			required = append(required, f.Tag.Get("yaml"))
		}
	}
	s := map[string]any{
		"type": "object", "properties": props, "additionalProperties": false,
		"patternProperties": map[string]any{"^x-": true},
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
