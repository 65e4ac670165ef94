package lxcnet

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tableName is what the three tables are called.
const tableName = "lxc"

// families are the address families there is a table lxc for.
var families = []nftables.TableFamily{nftables.TableFamilyINet, nftables.TableFamilyIPv4, nftables.TableFamilyIPv6}

// addRules makes the tables, in one transaction:
//
//	table inet lxc: the host answers DNS and DHCP on the bridge; the bridge is forwarded
//	table ip lxc, ip6 lxc: what leaves the network is masqueraded
func (n *Network) addRules() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	n.addFilter(c)
	addMasquerade(c, nftables.TableFamilyIPv4, n.Subnet)
	if n.Address6.IsValid() && n.NAT6 {
		addMasquerade(c, nftables.TableFamilyIPv6, n.Subnet6)
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("adding the nftables rules of %s: %w (the kernel needs nf_tables)", n.Bridge, err)
	}
	return nil
}

// removeRules deletes the tables that are there.
func (n *Network) removeRules() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	tables, err := c.ListTables()
	if err != nil {
		return fmt.Errorf("listing nftables' tables: %w", err)
	}
	for _, t := range tables {
		if t.Name == tableName && slices.Contains(families, t.Family) {
			c.DelTable(t)
		}
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("removing the nftables rules of %s: %w", n.Bridge, err)
	}
	return nil
}

// newTable adds a table.
func newTable(c *nftables.Conn, f nftables.TableFamily) *nftables.Table {
	return c.AddTable(&nftables.Table{Name: tableName, Family: f})
}

func (n *Network) addFilter(c *nftables.Conn) {
	table := newTable(c, nftables.TableFamilyINet)
	chain := func(name string, hook *nftables.ChainHook) *nftables.Chain {
		return c.AddChain(&nftables.Chain{Name: name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter})
	}
	accept := &expr.Verdict{Kind: expr.VerdictAccept}
	input := chain("input", nftables.ChainHookInput)
	for _, protocol := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		ports := &nftables.Set{Table: table, Anonymous: true, Constant: true, KeyType: nftables.TypeInetService}
		// The error is one of marshalling, which Flush reports too.
		c.AddSet(ports, []nftables.SetElement{{Key: binaryutil.BigEndian.PutUint16(53)}, {Key: binaryutil.BigEndian.PutUint16(67)}})
		rule := append(device(expr.MetaKeyIIFNAME, n.Bridge),
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Lookup{SourceRegister: 1, SetName: ports.Name, SetID: ports.ID},
			accept)
		c.AddRule(&nftables.Rule{Table: table, Chain: input, Exprs: rule})
	}
	forward := chain("forward", nftables.ChainHookForward)
	for _, key := range []expr.MetaKey{expr.MetaKeyIIFNAME, expr.MetaKeyOIFNAME} {
		c.AddRule(&nftables.Rule{Table: table, Chain: forward, Exprs: append(device(key, n.Bridge), accept)})
	}
}

func addMasquerade(c *nftables.Conn, f nftables.TableFamily, subnet netip.Prefix) {
	table := newTable(c, f)
	chain := c.AddChain(&nftables.Chain{Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
	// Source and destination address stand one after the other in the header.
	source, size := uint32(12), uint32(4)
	if f == nftables.TableFamilyIPv6 {
		source, size = 8, 16
	}
	rule := append(within(source, size, expr.CmpOpEq, subnet), within(source+size, size, expr.CmpOpNeq, subnet)...)
	rule = append(rule, &expr.Counter{}, &expr.Masq{})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule})
}

// device matches the name of a packet's device.
func device(key expr.MetaKey, name string) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: key, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: padded(name)},
	}
}

// padded is the name of a device as the kernel compares it.
func padded(name string) []byte {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return b
}

// within compares the network of the address at an offset of the header.
func within(offset, size uint32, op expr.CmpOp, subnet netip.Prefix) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: size, Mask: net.CIDRMask(subnet.Bits(), int(size)*8), Xor: make([]byte, size)},
		&expr.Cmp{Op: op, Register: 1, Data: subnet.Addr().AsSlice()},
	}
}
