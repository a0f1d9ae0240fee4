using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Carter;
using Hive.Common.Backups;
using Hive.Common.Doctor;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features;
using Hive.Features.Agents;
using Hive.Features.Backups;
using Hive.Features.Dashboard;
using Hive.Host.Doctor;
using Hive.Host.Restore;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace Hive.Host;

/// <summary>Builds and starts the host, for the program and for tests.</summary>
internal static partial class HiveApp
{
    /// <summary>The data folder's mode: others may do nothing.</summary>
    public const UnixFileMode DataMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The run folder's mode: others may reach the sockets in it, whose own modes decide who may open
    /// them.</summary>
    public const UnixFileMode RunMode =
        DataMode
        | UnixFileMode.GroupRead
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherExecute;

    private const long MaxRequestBytes = 1 << 20;

    // With and without a key; 2,000 streams fit beside the connections without a key.
    private const int MaxConnections = 4096;

    // More names than these would fill the screen.
    private const int ShownAgents = 8;

    // A search of 4096 bytes has three times as many in an address.
    private const int MaxRequestLineBytes = 16 << 10;

    /// <summary>Builds the host from command line, environment and <c>hive.json</c>; from here on it holds its
    /// folders.</summary>
    /// <param name="args">The command line, such as <c>--data-dir</c>.</param>
    /// <param name="configure">Lets a test replace services, such as the clock.</param>
    /// <exception cref="StartupProblem">The host cannot run here.</exception>
    public static async Task<WebApplication> Build(string[] args, Action<IServiceCollection>? configure = null)
    {
        var read = ReadOptions.All(args);
        if (read.Faults.Count > 0)
            throw new StartupProblem(string.Join("\nhive-host: ", read.Faults));
        var paths = read.Paths!;
        var builder = CreateBuilder(read);
        // Both have a folder for each agent; removing a socket's folder must not remove an agent's files.
        if (Path.TrimEndingDirectorySeparator(paths.RunDir) == Path.TrimEndingDirectorySeparator(paths.DataDir))
            throw new StartupProblem(
                $"{paths.DataDir} cannot be both the data folder and the run folder. "
                    + $"Choose another run folder with --run-dir (HIVE_RUNDIR), such as {paths.DataDir}/run"
            );
        var backups = new BackupFolder(read.Options, paths).Path;
        if (IsInside(backups, paths.DataDir))
            throw new StartupProblem(
                $"the folder of the backups {backups} is inside the data folder {paths.DataDir}, with which it "
                    + "would be lost. Choose another with --backups-folder (HIVE_BACKUPS__FOLDER)"
            );
        var dataLock = await FolderLock.Take(paths.DataDir, DataMode, "--data-dir (HIVE_DATADIR)");
        FolderLock? runLock = null;
        try
        {
            FolderContents.CheckData(paths.DataDir);
            var recovered = await RestoreCommand.Recover(paths.DataDir);
            runLock = await FolderLock.Take(paths.RunDir, RunMode, "--run-dir (HIVE_RUNDIR)");
            FolderContents.CheckRun(paths.RunDir);
            // The store resolves the locks first, so they are released last, after the database is closed.
            builder.Services.AddSingleton(_ => new FolderLocks(dataLock, runLock));
            var app = Compose(builder, read.Options, paths, configure);
            if (recovered is not null)
                LogRecovered(app.Logger, recovered);
            return app;
        }
        catch (Exception e) when (e is UnauthorizedAccessException)
        {
            runLock?.Dispose();
            dataLock.Dispose();
            throw new StartupProblem(
                $"{e.Message} Choose another data folder with --data-dir (HIVE_DATADIR), "
                    + "or make this one readable and writable",
                e
            );
        }
        catch
        {
            runLock?.Dispose();
            dataLock.Dispose();
            throw;
        }
    }

    private static bool IsInside(string folder, string dataDir) =>
        (LinuxPath.Real(folder) + "/").StartsWith(LinuxPath.Real(dataDir) + "/", StringComparison.Ordinal);

    /// <summary>Starts the host; a failure names its cause and the way out.</summary>
    /// <exception cref="StartupProblem">A busy port, a socket path that is too long, …</exception>
    public static async Task Start(WebApplication app)
    {
        try
        {
            var paths = app.Services.GetRequiredService<HivePaths>();
            // Every obstacle that can be found is found before the first agent starts.
            SocketDoors.MustFit(paths.HostSocket);
            app.Services.GetRequiredService<ListeningSockets>()
                .Listen(app.Services.GetRequiredService<HiveOptions>().Urls);
            await app.StartAsync();
            OpenHostSocket(app.Services.GetRequiredService<SocketDoors>(), paths);
        }
        catch (StartupProblem)
        {
            await app.DisposeAsync();
            throw;
        }
        catch (Exception e) when (e is UnreadableDataException or SqliteException)
        {
            var database = Path.Combine(app.Services.GetRequiredService<HivePaths>().DataDir, "hive.sqlite");
            await app.DisposeAsync();
            throw new StartupProblem(
                $"Hive cannot start with the content of the database {database}: {e.Message}. "
                    + "Restore a backup with `hive up --restore FILE`, or fix it with sqlite3",
                e
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or Problem)
        {
            var busy =
                e.InnerException is AddressInUseException
                || e is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse };
            await app.DisposeAsync();
            throw new StartupProblem(
                busy
                    ? $"{e.Message} Choose another with --urls (HIVE_URLS), such as --urls http://127.0.0.1:7001"
                    : e.Message,
                e
            );
        }
    }

    /// <summary>Prints the dashboard's address, with a link that signs in once.</summary>
    /// <param name="app">The host.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="onTerminal">True to name the agents and the log too: the terminal shows no log.</param>
    public static void Announce(WebApplication app, TextWriter output, bool onTerminal = false)
    {
        var paths = app.Services.GetRequiredService<HivePaths>();
        output.WriteLine($"\nHive {HiveVersion.Text} is running. Data: {paths.DataDir}  Sockets: {paths.RunDir}");
        if (onTerminal)
        {
            LogRunning(app.Logger, HiveVersion.Text, paths.DataDir, paths.RunDir);
            var agents = app.Services.GetRequiredService<IAgentDirectory>().Names.ToArray();
            var named = agents.Length > ShownAgents ? $"{agents.Length}" : string.Join(", ", agents);
            output.WriteLine($"Agents: {(agents.Length == 0 ? "none" : named)}. Log: {HostLog.PathIn(paths)}");
        }

        output.WriteLine("Open the dashboard (this link works once; `hive open` gives another):\n");
        var code = app.Services.GetRequiredService<OperatorKeys>().NewCode();
        output.WriteLine(app.Services.GetRequiredService<DashboardUrls>().LoginLink(code) + "\n");
    }

    /// <summary>Creates the builder of a host from its configuration; locks and creates nothing.</summary>
    public static WebApplicationBuilder CreateBuilder(ReadOptions read)
    {
        // The content root is the program's folder, not the current one: the page is part of the program.
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        // Only the log's levels are read from here; everything else comes from the options.
        builder.Configuration.AddInMemoryCollection(
            read.Given.Select(g => KeyValuePair.Create(g.Key, (string?)g.Value))
        );
        builder.Services.AddSingleton(read.Options);
        return builder;
    }

    /// <summary>The host socket's mode: this user may open it, and also the operators' group where it exists.</summary>
    /// <param name="group">The group's number.</param>
    public static UnixFileMode HostSocketMode(out int? group)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        group = Environment.IsPrivilegedProcess ? UnixGroup.Find("hive-admin") : null;
        return group is null ? OwnerOnly : OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
    }

    private static WebApplication Compose(
        WebApplicationBuilder builder,
        HiveOptions options,
        HivePaths paths,
        Action<IServiceCollection>? configure
    )
    {
        var token = AccessToken.Find(options.Token, paths.DataDir);
        // Replaces the framework's host filtering: Hive's own answers 421 on every route.
        var hosts = new HostNames([.. options.AllowedHosts, .. NamesIn(options.Urls)]);
        // The framework reads the same key, and would answer 400 to `localhost` and to Hive's other names.
        builder.Services.Configure<HostFilteringOptions>(filtering => filtering.AllowedHosts = ["*"]);
        Logging(builder);
        builder.WebHost.UseUrls(options.Urls);
        builder.Services.AddSingleton<ListeningSockets>().AddSingleton<KeylessConnections>();
        builder.Services.Replace(ServiceDescriptor.Singleton<IConnectionListenerFactory, AcceptingInTurn>());
        builder
            .Services.AddOptions<SocketTransportOptions>()
            .Configure<ListeningSockets>((transport, sockets) => transport.CreateBoundListenSocket = sockets.Take);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            // Browsers and scripts send all headers at once.
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            var keyless = kestrel.ApplicationServices.GetRequiredService<KeylessConnections>();
            kestrel.ConfigureEndpointDefaults(endpoint =>
                endpoint.Use(next => connection => keyless.Run(connection, next))
            );
        });
        builder.Services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = TimeSpan.FromSeconds(4);
            // A background loop that fails is logged; it must not end the host.
            options.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        // The page's document and JSON; not the stream, whose type is not among the defaults. An attacker who could
        // measure compressed answers (BREACH) cannot request any: each needs a key that no browser sends on its own.
        builder.Services.AddResponseCompression(compression => compression.EnableForHttps = true);
        // Brotli's fastest level makes the snapshot larger than gzip's does.
        builder.Services.Configure<BrotliCompressionProviderOptions>(brotli => brotli.Level = CompressionLevel.Optimal);
        builder.Services.Configure<GzipCompressionProviderOptions>(gzip => gzip.Level = CompressionLevel.Fastest);
        builder.Services.AddRouting();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(paths);
        builder.Services.AddSingleton(hosts);
        builder.Services.AddSingleton(BuildIdentity.Find());
        builder.Services.AddSingleton<PageShell>();
        builder.Services.AddSingleton(provider => OpenStore(provider, paths));
        builder.Services.AddSingleton<IStore>(provider => provider.GetRequiredService<SqliteStore>());
        builder.Services.AddSingleton<IHostedService>(provider =>
            ActivatorUtilities.CreateInstance<HiveStartup>(provider, token)
        );
        builder.Services.AddHiveFeatures().AddHostChecks().AddSettingsBackup();
        builder
            .Services.AddSingleton<DatabaseHealth>()
            .AddSingleton<ITrouble>(provider => provider.GetRequiredService<DatabaseHealth>())
            .AddHostedService(provider => provider.GetRequiredService<DatabaseHealth>());
        configure?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseMiddleware<Gatekeeper>();
        var page = Path.GetDirectoryName(PageShell.Path)!;
        // Before the compression: the files are compressed already.
        if (Directory.Exists(page))
            app.UsePageFiles(page);
        app.UseResponseCompression();
        app.UseStatusCodePages(context =>
            app.Services.GetRequiredService<PageShell>().ServeUnknown(context.HttpContext)
        );
        if (Directory.Exists(page))
            app.Use((http, next) => http.RequestServices.GetRequiredService<PageShell>().Serve(http, next));
        app.UseRouting();
        app.MapCarter();
        app.MapGet(
            "/openapi/v1.json",
            (OpenApiDocument document) => Results.Text(document.ToString(), "application/json")
        );
        return app;
    }

    private static SqliteStore OpenStore(IServiceProvider provider, HivePaths paths)
    {
        _ = provider.GetRequiredService<FolderLocks>();
        try
        {
            return new SqliteStore(
                Path.Combine(paths.DataDir, "hive.sqlite"),
                provider.GetServices<ISchema>(),
                provider.GetRequiredService<CommitPublisher>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<SqliteStore>>(),
                HoldsAgents(paths) ? AgentsSchema.Table : null,
                provider.GetRequiredService<HiveOptions>().AcceptLoss
            );
        }
        catch (InvalidDataException e)
        {
            throw new StartupProblem(e.Message + NewestBackup(provider), e);
        }
        catch (SqliteException e)
        {
            throw new StartupProblem(
                $"the database {Path.Combine(paths.DataDir, "hive.sqlite")} cannot be opened: {e.Message}. "
                    + "Choose another data folder with --data-dir (HIVE_DATADIR), or restore a backup with `hive up "
                    + $"--restore FILE`{NewestBackup(provider)}",
                e
            );
        }
    }

    private static string NewestBackup(IServiceProvider provider) =>
        provider.GetRequiredService<BackupFolder>().Newest() is { } newest
            ? $".\nhive-host: the newest backup of the schedule is {newest.File}: restored, Hive is as it was at "
                + $"{newest.MadeAt:u}, and everything later is lost"
            : "";

    private static bool HoldsAgents(HivePaths paths) =>
        Path.Combine(paths.DataDir, "agents") is var agents
        && Directory.Exists(agents)
        && Directory.EnumerateDirectories(agents).Any();

    private static void Logging(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.FormatterName = LogLine.Formatter.Name);
        builder.Logging.AddConsoleFormatter<LogLine.Formatter, LogLine.Options>();
        // A standard output that nobody reads must not block a logger; the console prints how many lines it dropped.
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite
        );
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // Kestrel warns of broken and excess connections, which anybody who reaches the port can cause.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        // The framework logs a failed start on its own; the program reports it with the way out.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
    }

    private static IEnumerable<string> NamesIn(string urls) =>
        urls.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(u => BindingAddress.Parse(u.Trim()).Host)
            .Where(h => h is not ("*" or "+" or "0.0.0.0" or "[::]"));

    [LoggerMessage(Level = LogLevel.Information, Message = "Hive {Version} is running; data {Data}, sockets {Sockets}")]
    private static partial void LogRunning(ILogger logger, string version, string data, string sockets);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Recovered}")]
    private static partial void LogRecovered(ILogger logger, string recovered);

    private static void OpenHostSocket(SocketDoors doors, HivePaths paths)
    {
        var mode = HostSocketMode(out var group);
        doors.Open(paths.HostSocket, CallerKind.Operator, "operator", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (group is not { } id)
            return;
        LinuxPath.ChangeGroup(paths.HostSocket, id);
        File.SetUnixFileMode(paths.HostSocket, mode);
    }
}
