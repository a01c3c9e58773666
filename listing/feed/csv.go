package feed

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"dnsbld/listing"
)

// commaSeparated is CSV (RFC 4180), one record a line: a quoted field that
// goes on in the next line is refused, so that one stray quote costs one line
// and not the file. The first line may name the columns; without names the
// first column is the address, and others are ignored.
type commaSeparated struct {
	options *Options
	started bool
	columns []column
	fields  []string
	items   [1]item
}

// row is what the columns of a line say, in words.
type row struct{ address, reason, code, except, until, note, public string }

type column func(*row) *string

// columns are the names that a header may use. The first column of a kind
// counts.
var columns = map[string]column{
	"prefix": addressColumn, "address": addressColumn, "ip": addressColumn, "ip_address": addressColumn,
	"ipaddress": addressColumn, "cidr": addressColumn, "network": addressColumn, "subnet": addressColumn, "dst_ip": addressColumn, "src_ip": addressColumn,
	"reason":      func(r *row) *string { return &r.reason },
	"code":        func(r *row) *string { return &r.code },
	"except":      func(r *row) *string { return &r.except },
	"until":       untilColumn,
	"expires":     untilColumn,
	"note":        noteColumn,
	"comment":     noteColumn,
	"public_note": func(r *row) *string { return &r.public },
}

func addressColumn(r *row) *string { return &r.address }
func untilColumn(r *row) *string   { return &r.until }
func noteColumn(r *row) *string    { return &r.note }

func newCSV(o *Options) parser {
	return lineParser((&commaSeparated{options: o, columns: []column{addressColumn}}).read)
}

func (c *commaSeparated) read(text []byte) ([]item, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] == '#' {
		return nil, nil
	}
	if err := c.split(text); err != nil {
		return nil, err
	}
	if !c.started {
		c.started = true
		if header, err := c.header(); header || err != nil {
			return nil, err
		}
	}
	var r row
	for n, field := range c.fields {
		if n < len(c.columns) && c.columns[n] != nil {
			if to := c.columns[n](&r); *to == "" {
				*to = field
			}
		}
	}
	i, err := r.item(c.options)
	if err != nil {
		return nil, err
	}
	c.items[0] = i
	return c.items[:], nil
}

// split cuts the line into fields. A line without quotes, as nearly all are,
// needs no more than its commas.
func (c *commaSeparated) split(text []byte) error {
	c.fields = c.fields[:0]
	if bytes.IndexByte(text, '"') < 0 {
		for field := range strings.SplitSeq(string(text), ",") {
			c.fields = append(c.fields, strings.TrimSpace(field))
		}
		return nil
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	fields, err := r.Read()
	var why *csv.ParseError
	switch {
	case errors.As(err, &why):
		return complain("bad-csv", "write a quote inside a quoted field twice; a field may not go on in the next line",
			"column %d: %s", why.Column, why.Err)
	case errors.Is(err, io.EOF):
		return nil
	}
	for _, field := range fields {
		c.fields = append(c.fields, strings.TrimSpace(field))
	}
	return err
}

// header takes the first line for names of columns if it has any that is
// known.
func (c *commaSeparated) header() (bool, error) {
	named := make([]column, len(c.fields))
	known, address := false, false
	for n, field := range c.fields {
		name := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(field), " ", "_"))
		if col, ok := columns[name]; ok {
			named[n], known = col, true
			var probe row
			address = address || col(&probe) == &probe.address
		}
	}
	if !known {
		return false, nil
	}
	if !address {
		return true, fatal{&listing.Error{Kind: listing.ErrInvalid, Code: "no-address-column",
			Message: "the header names no column of addresses", Hint: "call it prefix, address or ip"}}
	}
	c.columns = named
	return true, nil
}

// item makes an item of a row.
func (r *row) item(o *Options) (item, error) {
	var errs [4]error
	var i item
	word, mark := address([]byte(r.address))
	if len(word) == 0 {
		return item{}, complain("no-address", "leave out lines without one", "the line names no address")
	}
	i.subject, errs[0] = parseSubject(word)
	i.reason, errs[1] = o.reasonOf(cmp.Or(r.reason, r.code))
	i.except, errs[2] = parseExcept(r.except)
	i.until, errs[3] = parseUntil(r.until)
	for _, err := range errs {
		if err != nil {
			return item{}, err
		}
	}
	i.except = i.except || mark
	i.public, i.note = publicText(r.public), noteText(r.note)
	return i, nil
}
