package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/zone"
)

// keygenCommand makes a secret as long as the digest of its algorithm, which is
// what RFC 2104 advises.
func keygenCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "keygen",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "the `NAME` of the key, the same on both sides", Value: "secondaries"},
			&cli.StringFlag{Name: "algorithm", Usage: "hmac-sha256 or hmac-sha512, the `ALGORITHM`", Value: config.DefaultAlgorithm},
		},
		Action: func(c *cli.Context) error {
			secret := make([]byte, 32)
			if strings.HasSuffix(c.String("algorithm"), "512") {
				secret = make([]byte, 64)
			}
			rand.Read(secret) // never fails
			k := zone.Key{Name: c.String("name"), Algorithm: c.String("algorithm"), Secret: base64.StdEncoding.EncodeToString(secret)}
			if err := k.Validate(); err != nil {
				return config.Error("%v", err)
			}
			_, err := fmt.Fprintf(stdout, "[[key]]\nname = %q\nalgorithm = %q\nsecret = %q\n", k.Name, k.Algorithm, k.Secret)
			return err
		},
	}
}
