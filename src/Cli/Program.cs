using Hive.Cli;

return await CommandLine.RunAsync(args);
