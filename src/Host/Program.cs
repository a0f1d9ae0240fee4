using Hive.Host;
using Hive.Host.Doctor;

if (args is [Checkup.Flag, .. var flags])
    return await Checkup.Run(flags, Console.Out);
try
{
    // A person reads the last lines of a terminal, so the link waits there; other outputs get it at once.
    var quiet = Console.IsOutputRedirected ? null : new QuietLog(TimeProvider.System);
    var app = await HiveApp.Build(
        args,
        services =>
        {
            if (quiet is not null)
                services.AddSingleton<ILoggerProvider>(quiet);
        }
    );
    await HiveApp.Start(app);
    if (quiet is not null)
        await quiet.Wait(app.Lifetime.ApplicationStopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
