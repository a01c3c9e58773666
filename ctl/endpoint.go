package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"dnsbld/listing"
)

// The kinds of endpoint. A request's fields with the tag path or query are
// parameters in the URL (codec.go); the rest of it is a JSON object in the body,
// where the method has one.
type (
	// Get asks without parameters.
	Get[Resp any] func(context.Context) (Resp, error)
	// Call asks, and gets one JSON value.
	Call[Req, Resp any] func(context.Context, Req) (Resp, error)
	// Stream gets JSON values, one a line, until a last line {"end":{…}}.
	Stream[Req, Item any] func(context.Context, Req) iter.Seq2[Item, error]
	// Upload sends a file as the body, and gets one JSON value.
	Upload[Req, Resp any] func(context.Context, Req, io.Reader) (Resp, error)
	// Download gets a file, and the revision that it is of, if one is told.
	Download[Req any] func(context.Context, Req, io.Writer) (listing.Revision, error)
)

// Kind is the form of an endpoint.
type Kind string

// Kinds.
const (
	KindCall     Kind = "call"
	KindStream   Kind = "stream"
	KindUpload   Kind = "upload"
	KindDownload Kind = "download"
)

// Route is where an endpoint is, and who may ask it.
type Route struct {
	Name, Method, Path string
	Param              string // for a request that is one value: the parameter that has it
	Optional           bool   // the parameter may be missing
	Role               listing.Role
	Wait               time.Duration // how long the client waits for the answer; 0: as long as it takes
	Limit              int64         // octets of a JSON body

	Kind      Kind
	Req, Resp reflect.Type // nil: nothing, or a file
}

// Defaults of a Route.
const (
	usualWait  = time.Minute
	usualLimit = 64 << 10
)

// endpoint is a pointer to a field of Client.
type endpoint interface {
	kind() (k Kind, req, resp reflect.Type)
	bind(*conn, Route)
}

// Routes are the routes of a table by pointers to its fields, which need not be
// bound: Routes(&table)[&table.Add].
func Routes(table *Client) map[any]Route {
	fields := reflect.ValueOf(table).Elem()
	all := make(map[any]Route, fields.NumField())
	for n := range fields.NumField() {
		e := fields.Field(n).Addr().Interface().(endpoint)
		all[e] = routeOf(e, fields.Type().Field(n))
	}
	return all
}

// routeOf reads the tags of a field, which a test has checked.
func routeOf(e endpoint, f reflect.StructField) Route {
	r := Route{Name: f.Name, Limit: usualLimit}
	words := strings.Fields(f.Tag.Get("api"))
	r.Method = words[0]
	r.Path, r.Param, _ = strings.Cut(words[1], "?")
	r.Param, r.Optional = strings.CutSuffix(r.Param, "*")
	r.Role = map[string]listing.Role{"reader": listing.Reader, "support": listing.Support, "operator": listing.Operator}[words[2]]
	if r.Kind, r.Req, r.Resp = e.kind(); r.Kind == KindCall {
		r.Wait = usualWait
	}
	if text, ok := f.Tag.Lookup("wait"); ok {
		r.Wait, _ = time.ParseDuration(text)
	}
	if text, ok := f.Tag.Lookup("limit"); ok {
		r.Limit, _ = strconv.ParseInt(text, 10, 64)
	}
	return r
}

// HasBody reports whether a request has a JSON body.
func (r Route) HasBody() bool { return r.Kind == KindCall && r.Method != http.MethodGet }

func (*Get[Resp]) kind() (Kind, reflect.Type, reflect.Type) {
	return KindCall, nil, reflect.TypeFor[Resp]()
}

func (*Call[Req, Resp]) kind() (Kind, reflect.Type, reflect.Type) {
	return KindCall, reflect.TypeFor[Req](), reflect.TypeFor[Resp]()
}

func (*Stream[Req, Item]) kind() (Kind, reflect.Type, reflect.Type) {
	return KindStream, reflect.TypeFor[Req](), reflect.TypeFor[Item]()
}

func (*Upload[Req, Resp]) kind() (Kind, reflect.Type, reflect.Type) {
	return KindUpload, reflect.TypeFor[Req](), reflect.TypeFor[Resp]()
}

func (*Download[Req]) kind() (Kind, reflect.Type, reflect.Type) {
	return KindDownload, reflect.TypeFor[Req](), nil
}

func (e *Get[Resp]) bind(c *conn, r Route) {
	*e = func(ctx context.Context) (out Resp, err error) { return out, c.call(ctx, r, None{}, nil, &out) }
}

func (e *Call[Req, Resp]) bind(c *conn, r Route) {
	*e = func(ctx context.Context, req Req) (out Resp, err error) {
		var body io.Reader
		if r.HasBody() {
			raw, err := json.Marshal(req)
			if err != nil {
				return out, asking(err)
			}
			body = bytes.NewReader(raw)
		}
		return out, c.call(ctx, r, req, body, &out)
	}
}

func (e *Upload[Req, Resp]) bind(c *conn, r Route) {
	*e = func(ctx context.Context, req Req, file io.Reader) (out Resp, err error) {
		return out, c.call(ctx, r, req, file, &out)
	}
}

func (e *Download[Req]) bind(c *conn, r Route) {
	*e = func(ctx context.Context, req Req, to io.Writer) (listing.Revision, error) {
		return c.download(ctx, r, req, to)
	}
}

func (e *Stream[Req, Item]) bind(c *conn, r Route) {
	*e = func(ctx context.Context, req Req) iter.Seq2[Item, error] {
		return func(yield func(Item, error) bool) {
			err := c.stream(ctx, r, req, func(line []byte) (bool, error) {
				var item Item
				if err := json.Unmarshal(line, &item); err != nil {
					return false, err
				}
				return yield(item, nil), nil
			})
			if err != nil {
				var none Item
				yield(none, err)
			}
		}
	}
}
