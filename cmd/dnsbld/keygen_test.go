package main

import (
	"bytes"
	"strings"
	"testing"
)

// A key that was made can be used as it is printed.
func TestKeygen(t *testing.T) {
	for _, algorithm := range []string{"hmac-sha256", "hmac-sha512"} {
		var out, failed bytes.Buffer
		if status := run(t.Context(), []string{"dnsbld", "keygen", "--name", "k.test", "--algorithm", algorithm}, &out, &failed); status != exitDone {
			t.Fatalf("%d: %s", status, &failed)
		}
		c, err := parse(t, out.String()+`[[zone]]
name = "bl.test"
ns = ["ns.bl.test"]
transfer_key = "k.test"
transfer_from = ["192.0.2.1", "2001:db8::/48"]
notify = ["192.0.2.1", "[2001:db8::1]:5353"]
[[zone]]
name = "catalog.test"
catalog = true
`)
		if err != nil {
			t.Fatal(err)
		}
		z := c.Zone.Zones[0]
		if c.Zone.Keys[0].Algorithm != algorithm || z.TransferKey != "k.test" || len(z.TransferFrom) != 2 || z.Notify[0].String() != "192.0.2.1:53" || z.Notify[1].Port() != 5353 || !c.Zone.Zones[1].Catalog {
			t.Errorf("%+v", c.Zone)
		}
	}
	var failed bytes.Buffer
	if status := run(t.Context(), []string{"dnsbld", "keygen", "--algorithm", "hmac-md5"}, &failed, &failed); status != exitConfig || !strings.Contains(failed.String(), "hmac-sha256") {
		t.Errorf("%d: %s", status, &failed)
	}
}
