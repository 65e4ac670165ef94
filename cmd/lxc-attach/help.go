package main

const help = `lxc-attach runs a COMMAND inside a running container

Options :
  -n, --name=NAME   NAME of the container
  -e, --elevated-privileges=PRIVILEGES
                    Let the command keep privileges of the host: those of
                    the list, which may hold CAP, CGROUP and LSM joined
                    by |, or all of them without a list. The command may
                    then do to the host what the container may not.
  -a, --arch=ARCH   Show the command the architecture ARCH instead of the
                    container's.
  -s, --namespaces=FLAGS
                    Join only these namespaces of the container: a list
                    of MOUNT, PID, UTSNAME, IPC, USER, NETWORK, CGROUP and
                    TIME joined by |.
                    With -s the command keeps all privileges, as with -e.
  -R, --remount-sys-proc
                    With -s and without MOUNT, mount a new /proc and /sys
                    for the command, which show the namespaces it is in.
      --clear-env   Begin with an environment of container=lxc and a PATH
                    alone.
      --keep-env    Begin with the caller's environment. This is the
                    default.
  -L, --pty-log=FILE
                    Copy what the command's terminal shows into FILE
  -v, --set-var     Set the variable NAME=VALUE for the command. May be
                    given several times.
      --keep-var    With --clear-env, keep the variable NAME. May be given
                    several times.
  -f, --rcfile=FILE
                    Read the configuration from FILE
  -u, --uid=UID     Run the command as UID of the container
  -g, --gid=GID     Run the command as GID of the container
  -c, --context=context
                    SELinux context of the command
`
