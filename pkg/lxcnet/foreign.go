package lxcnet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// warnOfForeignRules warns of firewalls that drop what containers send: an
// accept in our table does not overrule a drop in another.
func (n *Network) warnOfForeignRules() {
	c, err := nftables.New()
	if err != nil {
		return
	}
	chains, err := c.ListChains()
	if err != nil {
		return
	}
	for _, chain := range chains {
		if !drops(chain) || n.passes(c, chain.Table) {
			continue
		}
		n.warnOf(fmt.Sprintf("chain %s of table %s %s", chain.Name, familyNames[chain.Table.Family], chain.Table.Name), n.commands(chain, chains))
	}
	if chain, drops := legacyForward(n.Bridge); drops {
		n.warnOf("iptables-legacy", n.iptables("iptables-legacy", chain))
	}
}

func (n *Network) warnOf(who string, commands []string) {
	n.Warn(fmt.Sprintf("the firewall (%s) drops what is forwarded, that of %s too; to let it pass: %s", who, n.Bridge, strings.Join(commands, "; ")))
}

// familyNames are nft's words.
var familyNames = map[nftables.TableFamily]string{
	nftables.TableFamilyINet: "inet",
	nftables.TableFamilyIPv4: "ip",
	nftables.TableFamilyIPv6: "ip6",
}

// drops says whether what the chain does not accept is not forwarded:
// firewalld's has the policy accept, and a reject at its end.
func drops(c *nftables.Chain) bool {
	return familyNames[c.Table.Family] != "" && c.Type == nftables.ChainTypeFilter &&
		c.Hooknum != nil && *c.Hooknum == *nftables.ChainHookForward &&
		c.Policy != nil && (*c.Policy == nftables.ChainPolicyDrop || c.Table.Name == firewalld)
}

const firewalld = "firewalld" // the name of its table

// passes says whether a rule of the table mentions the bridge: then somebody
// has thought of it.
func (n *Network) passes(c *nftables.Conn, table *nftables.Table) bool {
	chains, err := c.ListChainsOfTableFamily(table.Family)
	if err != nil {
		return false
	}
	for _, chain := range chains {
		if chain.Table.Name != table.Name {
			continue
		}
		rules, err := c.GetRules(chain.Table, chain)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(rules, n.mentioned) {
			return true
		}
	}
	return false
}

func (n *Network) mentioned(r *nftables.Rule) bool {
	return slices.ContainsFunc(r.Exprs, func(e expr.Any) bool {
		cmp, ok := e.(*expr.Cmp)
		return ok && bytes.Equal(bytes.TrimRight(cmp.Data, "\x00"), []byte(n.Bridge))
	})
}

// commands are what the administrator types, in the language of whoever made
// the chain.
func (n *Network) commands(chain *nftables.Chain, all []*nftables.Chain) []string {
	has := func(prefix string) bool {
		return slices.ContainsFunc(all, func(c *nftables.Chain) bool {
			return c.Table.Name == chain.Table.Name && c.Table.Family == chain.Table.Family && strings.HasPrefix(c.Name, prefix)
		})
	}
	iptables := map[nftables.TableFamily]string{nftables.TableFamilyIPv4: "iptables", nftables.TableFamilyIPv6: "ip6tables"}[chain.Table.Family]
	if chain.Table.Name == firewalld {
		return []string{"firewall-cmd --permanent --zone=trusted --add-interface=" + n.Bridge, "firewall-cmd --reload"}
	}
	if iptables == "" || chain.Table.Name != "filter" || chain.Name != "FORWARD" {
		rule := "nft insert rule " + familyNames[chain.Table.Family] + " " + chain.Table.Name + " " + chain.Name
		return []string{rule + " iifname " + n.Bridge + " accept", rule + " oifname " + n.Bridge + " accept"}
	}
	switch {
	case has("ufw"):
		return []string{"ufw route allow in on " + n.Bridge, "ufw route allow out on " + n.Bridge}
	case has(dockerUser):
		return n.iptables(iptables, dockerUser)
	}
	return n.iptables(iptables, "FORWARD")
}

func (n *Network) iptables(program, chain string) []string {
	return []string{
		program + " -I " + chain + " -i " + n.Bridge + " -j ACCEPT",
		program + " -I " + chain + " -o " + n.Bridge + " -j ACCEPT",
	}
}
