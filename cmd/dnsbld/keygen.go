package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/urfave/cli/v2"

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
func (f fileConfig) keys() []zone.Key {
	var all []zone.Key
	for _, k := range f.Keys {
		if k.Algorithm == "" {
			k.Algorithm = defaultAlgorithm
		}
		all = append(all, zone.Key(k))
	}
	return all
}

// defaultAlgorithm is what every name server in use knows.
const defaultAlgorithm = "hmac-sha256"

// transfers puts in who has copies of a zone.
func (t transferConfig) transfers(z *zone.Zone, wrong *mistakes) {
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

// keygenCommand makes a secret as long as the digest of its algorithm, which is
// what RFC 2104 advises.
func keygenCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "keygen",
		Usage: "print a new key for transfers",
		Description: `Prints a secret that this server and its secondaries share, as a part of the
configuration: put it there and name it in a zone as transfer_key. Secondaries
need the same name, algorithm and secret.

exit status: 0; 2 the name or the algorithm is none

examples:
  dnsbld keygen --name secondaries.bl.test`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "the `NAME` of the key, the same on both sides", Value: "secondaries"},
			&cli.StringFlag{Name: "algorithm", Usage: "hmac-sha256 or hmac-sha512, the `ALGORITHM`", Value: defaultAlgorithm},
		},
		Action: func(c *cli.Context) error {
			secret := make([]byte, 32)
			if strings.HasSuffix(c.String("algorithm"), "512") {
				secret = make([]byte, 64)
			}
			rand.Read(secret) // never fails
			k := zone.Key{Name: c.String("name"), Algorithm: c.String("algorithm"), Secret: base64.StdEncoding.EncodeToString(secret)}
			if err := k.Validate(); err != nil {
				return configError("%v", err)
			}
			_, err := fmt.Fprintf(stdout, "[[key]]\nname = %q\nalgorithm = %q\nsecret = %q\n", k.Name, k.Algorithm, k.Secret)
			return err
		},
	}
}
