using Hive.Host;
using Hive.Host.Doctor;
using Microsoft.Extensions.DependencyInjection.Extensions;

if (args is [Checkup.Flag, .. var flags])
    return await Checkup.Run(flags, Console.Out);
try
{
    // A person gets a quiet screen, and the log is in a file; other readers of the output get the log itself.
    var onTerminal = !Console.IsOutputRedirected;
    var app = await HiveApp.Build(
        args,
        services =>
        {
            if (!onTerminal)
                return;
            services.RemoveAll<ILoggerProvider>();
            services.AddSingleton<ILoggerProvider>(p => ActivatorUtilities.CreateInstance<HostLog>(p));
            services.AddSingleton<ILoggerProvider>(new News(Console.Out, TimeProvider.System));
        }
    );
    await HiveApp.Start(app);
    HiveApp.Announce(app, Console.Out, onTerminal);
    await app.WaitForShutdownAsync();
    await app.DisposeAsync();
    return 0;
}
catch (StartupProblem problem)
{
    await Console.Error.WriteLineAsync($"hive-host: {problem.Message}");
    return 1;
}
