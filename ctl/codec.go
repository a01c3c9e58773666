package ctl

import (
	"encoding"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
)

// Parameters of a request are its fields with the tag path:"name" or
// query:"name"; those with their zero value are left out of the query,
// but for JSON. A value
// is written as text if it can be, a map once a pair as KEY=VALUE, and any other
// struct as JSON. A request that is no struct of parameters goes as one value
// to the route's Param.

// eachParam calls f with the parameters of a request, a pointer to a struct of
// them or to a single value.
func (r Route) eachParam(req reflect.Value, f func(name string, inPath bool, field reflect.Value) error) error {
	if r.Param != "" {
		return f(r.Param, false, req)
	}
	if req.Kind() != reflect.Struct {
		return nil
	}
	for n := range req.NumField() {
		field := req.Type().Field(n)
		name, inPath := field.Tag.Lookup("path")
		if !inPath {
			name = field.Tag.Get("query")
		}
		var err error
		switch {
		case name != "":
			err = f(name, inPath, req.Field(n))
		case field.Anonymous:
			err = r.eachParam(req.Field(n), f)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// url is the address of a request.
func (r Route) url(req any) (string, error) {
	path, query := r.Path, url.Values{}
	err := r.eachParam(reflect.ValueOf(req), func(name string, inPath bool, field reflect.Value) error {
		if pairs, ok := field.Interface().(map[string]string); ok {
			for key, value := range pairs {
				query.Add(name, key+"="+value)
			}
			return nil
		}
		text, err := format(field)
		if inPath {
			path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(text))
		} else if !field.IsZero() || strings.HasPrefix(text, "{") {
			query.Set(name, text)
		}
		return err
	})
	return "http://dnsbld" + path + "?" + query.Encode(), err
}

func format(v reflect.Value) (string, error) {
	if v.Kind() == reflect.Pointer {
		v = reflect.Indirect(v)
	}
	if !v.IsValid() {
		return "", nil
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	if v.Kind() == reflect.String {
		return v.String(), nil
	}
	raw, err := json.Marshal(v.Interface()) // of numbers and booleans as they are
	return string(raw), err
}

// ReadParams reads the parameters of a request into req, a pointer.
func (r Route) ReadParams(from *http.Request, req any) error {
	query := from.URL.Query()
	return r.eachParam(reflect.ValueOf(req).Elem(), func(name string, inPath bool, field reflect.Value) error {
		if inPath {
			field.SetString(from.PathValue(name))
			return nil
		}
		if pairs, ok := field.Addr().Interface().(*map[string]string); ok {
			return readPairs(query[name], pairs)
		}
		if !query.Has(name) && field.Kind() == reflect.Pointer {
			return nil
		}
		return parse(name, query.Get(name), field, r.Param != "" && !r.Optional)
	})
}

func readPairs(texts []string, into *map[string]string) error {
	for _, pair := range texts {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" || value == "" {
			return invalid("bad-map", listing.Quote(pair)+" is not a pair of reasons", "write --map THEIRS=OURS, for example --map 127.0.0.4=helo-bare-ip")
		}
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[key] = value
	}
	return nil
}

// parse reads the text of a parameter. One that is not needed may be empty: then
// the field stays as it is.
func parse(name, text string, field reflect.Value, needed bool) error {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch v := field.Addr().Interface().(type) {
	case *listing.Subject:
		return parseInto(v, text, needed, listing.ParseSubject)
	case *netip.Addr:
		return parseInto(v, text, needed, ParseAddress)
	case *time.Time:
		return parseInto(v, text, false, parseTime)
	case encoding.TextUnmarshaler:
		if text == "" {
			return nil
		}
		return v.UnmarshalText([]byte(text))
	}
	return parseKind(name, text, field)
}

func parseInto[T any](to *T, text string, needed bool, parse func(string) (T, error)) (err error) {
	if text != "" || needed {
		*to, err = parse(text)
	}
	return err
}

func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		err = invalid("bad-time", "the instant is not in RFC 3339", "for example 2026-11-23T12:00:00Z")
	}
	return t, err
}

// parseKind reads what has no text of its own: by the kind of the field, and what is
// neither text nor a number as JSON.
func parseKind(name, text string, field reflect.Value) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		field.SetBool(text == "true")
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return invalid("bad-revision", listing.Quote(text)+" is not a revision", "a revision is a number")
		}
		field.SetUint(n)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if text != "" && (err != nil || n < 1) {
			return invalid("bad-"+name, "a "+name+" is a number from 1", "for example --"+name+" 20")
		}
		field.SetInt(int64(n))
	default:
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(field.Addr().Interface()); err != nil {
			return BadRequest(err)
		}
	}
	return nil
}

// ParseAddress reads the one address that a request is about.
func ParseAddress(text string) (netip.Addr, error) {
	subject, err := listing.ParseSubject(text)
	if err == nil && !subject.IsHost() {
		err = invalid("not-an-address", subject.String()+" is a prefix, and a request is about one address", "for example "+subject.Addr().String())
	}
	return subject.Addr(), err
}
