package main

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// Every server is given the same answer: this address and a text that starts with textPrefix. It is the code of
// dnsbld's reason "imported", so one expectation does for all.
const (
	codeOctet  = 23
	codeText   = "127.0.0.23"
	textPrefix = "Listed, see http://bl.test/?"
)

// writeFile streams what fill appends, record by record, into a new file that others may read: rbldnsd started as root
// changes its user.
func writeFile(path string, fill func(put func([]byte))) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fill(func(b []byte) { _, _ = w.Write(b) }) // bufio keeps the first error for Flush
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return f.Close()
}

// writePlain writes one address or prefix a line.
func (d *dataset) writePlain(path string) error {
	return writeFile(path, func(put func([]byte)) {
		var b []byte
		for _, h := range d.hosts {
			b = append(addr4(h).AppendTo(b[:0]), '\n')
			put(b)
		}
		for _, s := range d.spans {
			put(append(s.prefix().AppendTo(b[:0]), '\n'))
		}
		for _, p := range d.v6 {
			put(append(p.AppendTo(b[:0]), '\n'))
		}
	})
}

// writeRbldnsd4 writes rbldnsd data: single hosts, and the spans too where the type takes them.
func (d *dataset) writeRbldnsd4(path, zone string, spans bool) error {
	return writeFile(path, func(put func([]byte)) {
		put([]byte(rbldnsdHead(zone)))
		var b []byte
		for _, h := range d.hosts {
			b = append(d.appendText(addr4(h).AppendTo(b[:0]), h), '\n')
			put(b)
		}
		if !spans {
			return
		}
		for _, s := range d.spans {
			put(append(s.prefix().AppendTo(b[:0]), '\n'))
		}
	})
}

// writeRbldnsd6 writes the IPv6 part as an ip6trie.
func (d *dataset) writeRbldnsd6(path string) error {
	return writeFile(path, func(put func([]byte)) {
		put([]byte(":" + codeText + ":" + textPrefix + "$\n"))
		for _, p := range d.v6 {
			put(append(p.AppendTo(nil), '\n'))
		}
	})
}

// appendText appends what stands behind a host in rbldnsd's data: its text, if it has one of its own.
func (d *dataset) appendText(b []byte, h uint32) []byte {
	if !d.texts {
		return b
	}
	return appendSession(append(b, " :"+codeText+":"+textPrefix...), h)
}

// appendSession makes a text of some 40 octets that no other host has.
func appendSession(b []byte, h uint32) []byte {
	return strconv.AppendUint(append(b, "session "...), uint64(h*2654435761), 10)
}

// writeImport writes what dnsbld is to import, and says in which format.
func (d *dataset) writeImport(path, zone string) (format string, err error) {
	if d.texts {
		return "rbldnsd:ip4trie", d.writeRbldnsd4(path, zone, true)
	}
	return "plain", d.writePlain(path)
}

func rbldnsdHead(zone string) string {
	return fmt.Sprintf("$SOA 300 ns.%[1]s hostmaster.%[1]s 1 600 300 86400 300\n$NS 300 ns.%[1]s\n:%[2]s:%[3]s$\n",
		zone, codeText, textPrefix)
}

// writeZone writes a master file (RFC 1035, section 5): reversed owner names, a wildcard for each span and /64.
func (d *dataset) writeZone(path, zone string) error {
	return writeFile(path, func(put func([]byte)) {
		put(fmt.Appendf(nil, "$ORIGIN %[1]s.\n$TTL 300\n@ SOA ns hostmaster 1 600 300 86400 300\n@ NS ns\nns A 192.0.2.53\n", zone))
		var b []byte
		for _, h := range d.hosts {
			b = appendReversed4(b[:0], h, 32)
			b = appendRecords(b)
			if d.texts {
				b = appendSession(b, h)
			} else {
				b = addr4(h).AppendTo(b)
			}
			put(append(b, "\"\n"...))
		}
		for _, s := range d.spans {
			if s.bits%8 != 0 {
				continue
			}
			b = append(b[:0], "*."...)
			b = appendReversed4(b, s.addr, int(s.bits))
			b = appendRecords(b)
			b = append(s.prefix().AppendTo(b), "\"\n"...)
			put(b)
		}
		for _, p := range d.v6 {
			b = b[:0]
			if p.Bits() < 128 {
				b = append(b, "*."...)
			}
			b = appendReversed6(b, p)
			b = appendRecords(b)
			b = append(p.AppendTo(b), "\"\n"...)
			put(b)
		}
	})
}

func appendRecords(b []byte) []byte { return append(b, " A "+codeText+"\n TXT \""+textPrefix...) }

// appendReversed4 appends the octets within bits, last first; bits is a multiple of eight.
func appendReversed4(b []byte, a uint32, bits int) []byte {
	for shift := 32 - bits; shift < 32; shift += 8 {
		b = strconv.AppendUint(b, uint64(byte(a>>shift)), 10)
		b = append(b, '.')
	}
	return b[:len(b)-1]
}

// appendReversed6 appends the nibbles within p, last first; its length is a multiple of four.
func appendReversed6(b []byte, p netip.Prefix) []byte {
	const hex = "0123456789abcdef"
	a := p.Addr().As16()
	for i := p.Bits()/4 - 1; i >= 0; i-- {
		b = append(b, hex[a[i/2]>>(4*(1-i%2))&15], '.')
	}
	return b[:len(b)-1]
}
