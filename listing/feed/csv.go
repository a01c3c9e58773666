package feed

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// commaSeparated is CSV (RFC 4180), one record a line: a quoted field that
// goes on in the next line is refused, so that one stray quote costs one line
// and not the file. The first line may name the columns, or a comment before it;
// without names the first column is the address, and others are ignored, but
// for a second address.
type commaSeparated struct {
	options *Options
	started bool
	named   bool
	columns []field // by place
	fields  []string
	items   rowItems
}

// field is what a column says.
type field int

// Fields. A column that says none of these is ignored.
const (
	ignored field = iota
	addressField
	endField // of a range that begins with the address
	maskField
	reasonField
	codeField
	exceptField
	untilField
	noteField
	publicField
	fields
)

// row is what the columns of a line say, in words. The first column of a field
// counts.
type row [fields]string

func (r *row) set(f field, text string) {
	if r[f] == "" {
		r[f] = text
	}
}

// fieldNames are the names that columns of CSV and keys of JSON have, in lower
// case and without what parts their words.
var fieldNames = map[string]field{
	"prefix": addressField, "address": addressField, "ip": addressField, "ipaddress": addressField, "cidr": addressField,
	"network": addressField, "subnet": addressField, "dstip": addressField, "srcip": addressField, "ipprefix": addressField,
	"start": addressField, "startip": addressField, "first": addressField,
	"end": endField, "endip": endField, "last": endField, "netmask": maskField, "mask": maskField,
	"reason": reasonField, "code": codeField, "except": exceptField, "until": untilField, "expires": untilField,
	"note": noteField, "comment": noteField, "publicnote": publicField,
}

// fieldOf finds the field that a column or key of a name is, the one that the
// options name being the address.
func (o *Options) fieldOf(name string) field {
	if o.Column != "" {
		if strings.EqualFold(name, o.Column) {
			return addressField
		}
		if f := fieldNames[plainName(name)]; f > maskField {
			return f
		}
		return ignored
	}
	return fieldNames[plainName(name)]
}

// plainName is a name as fieldNames has it.
func plainName(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "").Replace(strings.ToLower(name))
}

func newCSV(o *Options) parser {
	c := &commaSeparated{options: o, columns: []field{addressField}, items: rowItems{options: o}}
	if n, err := strconv.Atoi(o.Column); err == nil && n > 0 && n <= 100 {
		c.columns, c.named = append(make([]field, n-1), addressField), true
	}
	return lineParser(c.read)
}

func (c *commaSeparated) read(text []byte) ([]item, error) {
	switch trimmed := bytes.TrimSpace(text); {
	case len(trimmed) == 0:
		return nil, nil
	case bytes.HasPrefix(trimmed, []byte("#")) || bytes.HasPrefix(trimmed, []byte("//")):
		return nil, c.comment(trimmed)
	}
	if err := c.split(bytes.TrimLeft(text, "/ \t")); err != nil {
		return nil, err
	}
	if !c.started {
		c.started = true
		if header, err := c.header(false); header || err != nil {
			return nil, err
		}
	}
	return c.row()
}

// comment looks for names of columns in a comment before the first record.
func (c *commaSeparated) comment(text []byte) error {
	if c.started || bytes.IndexByte(text, ',') < 0 || c.split(bytes.TrimLeft(text, "#/ \t")) != nil {
		return nil
	}
	_, err := c.header(true)
	return err
}

// row makes items of the fields of a line.
func (c *commaSeparated) row() ([]item, error) {
	var r row
	for n, text := range c.fields {
		if n < len(c.columns) && c.columns[n] != ignored {
			r.set(c.columns[n], text)
		}
	}
	if !c.named && len(c.fields) > 1 {
		if _, isAddress := parseHost([]byte(c.fields[1])); isAddress {
			return c.items.pair(r, c.fields[1])
		}
	}
	return c.items.of(r)
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

// header takes the first line for names of columns if it has any that is known.
// A comment is one only if it names the addresses.
func (c *commaSeparated) header(comment bool) (bool, error) {
	columns := make([]field, len(c.fields))
	for n, name := range c.fields {
		columns[n] = c.options.fieldOf(strings.TrimSpace(name))
	}
	_, byNumber := strconv.Atoi(c.options.Column)
	switch {
	case slices.Contains(columns, addressField):
		c.columns, c.named = columns, true
		return true, nil
	case comment || c.named || (c.options.Column != "" && byNumber == nil):
		return false, nil
	case c.options.Column != "":
		return true, fatal{&listing.Error{Kind: listing.ErrInvalid, Code: "no-address-column",
			Message: "the header names no column " + listing.Quote(c.options.Column), Hint: "give its name as the header has it, or its number"}}
	case slices.ContainsFunc(columns, func(f field) bool { return f != ignored }):
		return true, fatal{&listing.Error{Kind: listing.ErrInvalid, Code: "no-address-column",
			Message: "the header names no column of addresses", Hint: "call it prefix, address or ip; or say which it is: --column NAME"}}
	}
	return false, nil
}

// rowItems makes items of rows.
type rowItems struct {
	options  *Options
	subjects []listing.Subject
	items    []item
}

// of makes the items of a row. Its end or mask stands behind the address, as in
// plain.
func (m *rowItems) of(r row) ([]item, error) {
	word, except, rest := address([]byte(r[addressField]))
	if len(word) == 0 {
		return nil, complain("no-address", "leave out lines without one", "the line names no address")
	}
	switch {
	case r[endField] != "":
		rest = append([]byte("- "), r[endField]...)
	case r[maskField] != "":
		rest = []byte(r[maskField])
	}
	var errs [4]error
	var i item
	m.subjects, errs[0] = extent(m.subjects[:0], word, rest)
	i.reason, errs[1] = m.options.reasonOf(cmp.Or(r[reasonField], r[codeField]))
	i.except, errs[2] = parseExcept(r[exceptField])
	i.until, errs[3] = parseUntil(r[untilField])
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	i.except = i.except || except
	i.public, i.note = publicText(r[publicField]), noteText(r[noteField])
	m.items = spread(m.items[:0], m.subjects, i)
	return m.items, nil
}

// pair makes the items of a row whose columns have no names and whose second is
// an address too: the last of a prefix that begins with the first. Anything else
// may be two hosts.
func (m *rowItems) pair(r row, second string) ([]item, error) {
	r[endField] = second
	items, err := m.of(r)
	if err == nil && len(m.subjects) != 1 {
		return nil, complain("second-address", "name the columns in the first line, start and end; or say which is meant: --column 1",
			"after %s the line names %s too", r[addressField], second)
	}
	return items, err
}
