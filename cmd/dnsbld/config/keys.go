package config

import (
	"fmt"
	"net/netip"

	"dnsbld/listing"
	"dnsbld/zone"
)

// keyConfig is a [[key]]: a secret that is shared with secondaries (TSIG, RFC
// 8945), in base64.
type keyConfig struct {
	Name      string `toml:"name"`
	Algorithm string `toml:"algorithm"`
	Secret    string `toml:"secret"`
}

// transferConfig is the part of a [[zone]] that says who has copies of it.
type transferConfig struct {
	Key    string   `toml:"transfer_key"`
	From   []string `toml:"transfer_from"`
	TLS    bool     `toml:"transfer_tls"`
	Notify []string `toml:"notify"`
}

// keys are the keys in the terms of the DNS door, which checks them.
func (f File) keys() []zone.Key {
	var all []zone.Key
	for _, k := range f.Keys {
		if k.Algorithm == "" {
			k.Algorithm = DefaultAlgorithm
		}
		all = append(all, zone.Key(k))
	}
	return all
}

// DefaultAlgorithm is what every name server in use knows.
const DefaultAlgorithm = "hmac-sha256"

// transfers puts in who has copies of a zone.
func (t transferConfig) transfers(z *zone.Zone, wrong *listing.Mistakes) {
	z.TransferKey = t.Key
	z.TransferTLS = t.TLS
	z.TransferFrom = parsed(t.From, prefixOf, wrong)
	z.Notify = parsed(t.Notify, portOf, wrong)
}

// prefixOf reads a prefix, or an address alone.
func prefixOf(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Masked() != p {
		return p, fmt.Errorf("transfer_from: %s is not an address or a prefix", listing.Quote(text))
	}
	return p, nil
}

// portOf reads an address and a port, 53 if there is none.
func portOf(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	p, err := netip.ParseAddrPort(text)
	if err != nil {
		return p, fmt.Errorf("notify: %s: write an address such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:53", listing.Quote(text))
	}
	return p, nil
}
