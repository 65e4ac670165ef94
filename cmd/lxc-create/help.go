package main

const help = `lxc-create creates a container

Options :
  -n, --name=NAME               NAME of the container
  -f, --config=CONFIG           Begin with a copy of the file CONFIG
  -t, --template=TEMPLATE       What makes the root file system
  -B, --bdev=BDEV               How the root file system is stored: dir;
                                the others below are not supported yet
      --dir=DIR                 Put the root file system into DIR

  BDEV options for LVM (with -B/--bdev lvm):
      --lvname=LVNAME           Name of the logical volume
                                (Default: container name)
      --vgname=VG               Volume group
                                (Default: lxc)
      --thinpool=TP             Thin pool
                                (Default: lxc)

  BDEV options for Ceph RBD (with -B/--bdev rbd) :
      --rbdname=RBDNAME         Name of the RBD image
                                (Default: container name)
      --rbdpool=POOL            RBD pool
                                (Default: lxc)
      --rbduser=RBDUSER         RBD user
                                (Default: admin)

  BDEV option for ZFS (with -B/--bdev zfs) :
      --zfsroot=PATH            Dataset to create the container's in
                                (Default: lxc)

  BDEV options for LVM or Loop (with -B/--bdev lvm/loop) :
      --fstype=TYPE             Type of the file system
                                (Default: ext4)
      --fssize=SIZE[U]          Its size: SIZE times
                                the unit U (bBkKmMgGtT)
                                (Default: 1G, default unit: M)
  -- template-options
         What follows is for the template.
         What it understands is shown by
         lxc-create -t TEMPLATE -h.
`
