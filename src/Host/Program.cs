using Hive.Host;
using Hive.Host.Doctor;

if (args is [Checkup.Flag, .. var flags])
    return await Checkup.Run(flags, Console.Out);
try
{
    var app = HiveApp.Build(args);
    await HiveApp.Start(app);
    HiveApp.Announce(app, Console.Out);
    await app.WaitForShutdownAsync();
    await app.DisposeAsync();
    return 0;
}
catch (StartupProblem problem)
{
    await Console.Error.WriteLineAsync($"hive-host: {problem.Message}");
    return 1;
}
