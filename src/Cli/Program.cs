using System.CommandLine;
using Hive.Cli;

var root = new RootCommand("Hive runs a swarm of coding agents on this machine and keeps you in the loop.");
foreach (var verb in Verbs.All())
    root.Subcommands.Add(verb);
root.Options.Add(CommonOptions.RunDir);
return await CommandLine.RunAsync(root, args);
