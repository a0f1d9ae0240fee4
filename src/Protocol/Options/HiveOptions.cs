// The attribute of each option describes it, and that sentence is the one that users read.
#pragma warning disable CS1591
namespace Hive.Protocol.Options;

/// <summary>
/// Every option of the host. This tree is the one source of the flags of <c>up</c>, of the environment variables, of
/// the keys in <c>hive.json</c>, of <c>hive up --help</c>, of the table in the README and of <c>docs/options.md</c>: an
/// option is added here and nowhere else.
/// </summary>
public sealed record HiveOptions
{
    /// <summary>The dashboard's default address.</summary>
    public const string DefaultUrl = "http://127.0.0.1:7000";

    /// <summary>The runtime or driver value for "the first that works here".</summary>
    public const string Auto = "auto";

    [Option(
        "The data folder: database, agents, access token",
        Kind = OptionKind.Folder,
        Default = "root: /var/lib/hive; else $XDG_STATE_HOME/hive or ~/.local/state/hive"
    )]
    public string? DataDir { get; init; }

    [Option(
        "The run folder, which holds the sockets",
        Kind = OptionKind.Folder,
        Default = "root: /run/hive; else $XDG_RUNTIME_DIR/hive or the folder run in the data folder"
    )]
    public string? RunDir { get; init; }

    [Option("Where the dashboard listens; several addresses are separated by ;", Kind = OptionKind.ListenUrls)]
    public string Urls { get; init; } = DefaultUrl;

    [Option(
        "More names that the dashboard answers to, separated by ;",
        Kind = OptionKind.HostNames,
        Default = "localhost, loopback addresses and the names in Urls"
    )]
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    [Option(
        "The bearer token for scripts on this machine, at least 16 characters. The file access-token in the "
            + "data folder keeps it off command lines",
        Kind = OptionKind.AccessToken,
        Default = "created at the first start in the file access-token in the data folder",
        Secret = true
    )]
    public string? Token { get; init; }

    [Option(
        "The containers of new agents. auto takes the first of nixos, podman, docker, nspawn (systemd-nspawn) "
            + "and sandbox (bubblewrap) that works here without a weakness, else the first that works. process "
            + "isolates nothing; external starts nothing: the client that opens the agent's socket is the agent",
        Kind = OptionKind.Choice,
        Choices = [Auto, "nixos", "podman", "docker", "nspawn", "sandbox", "process", "external"]
    )]
    public string Runtime { get; init; } = Auto;

    [Option("The image of podman's and docker's containers", Kind = OptionKind.Image)]
    public string Image { get; init; } = "localhost/hive-agent:latest";

    public PodmanOptions Podman { get; init; } = new();

    public DockerOptions Docker { get; init; } = new();

    public NspawnOptions Nspawn { get; init; } = new();

    public NixosOptions Nixos { get; init; } = new();

    [Option(
        "The driver that runs an agent's turns, unless its agent.yaml names one. auto: scripted if the agent has a "
            + "script, else claude if Claude Code is installed",
        Kind = OptionKind.Choice,
        Choices = [Auto, "claude", "command", "scripted"]
    )]
    public string Driver { get; init; } = Auto;

    [Option(
        "The domain of the e-mail addresses in agents' commits (NAME@DOMAIN); an agent's own git configuration wins",
        Kind = OptionKind.Domain
    )]
    public string GitEmailDomain { get; init; } = "hive.local";

    [Option(
        "true: start although the database or its write-ahead log is missing or truncated, and accept the loss. "
            + "Hive names this option when it helps",
        Kind = OptionKind.Switch
    )]
    public bool AcceptLoss { get; init; }

    [Option(
        "true: at the start, rebuild agents that run another build's harness, one after another. "
            + "false: show that they need an update",
        Kind = OptionKind.Switch
    )]
    public bool AutoUpdate { get; init; }

    [Option("The operator's pronouns, such as she/her, which agents read with whoami", Default = "none")]
    public string? OperatorPronouns { get; init; }

    public InputsOptions Inputs { get; init; } = new();

    public ForgeOptions Forge { get; init; } = new();

    public NotifyOptions Notify { get; init; } = new();

    public TicketsOptions Tickets { get; init; } = new();
    public TasksOptions Tasks { get; init; } = new();

    public GatesOptions Gates { get; init; } = new();

    public BackupsOptions Backups { get; init; } = new();

    public DiskOptions Disk { get; init; } = new();

    public LoggingOptions Logging { get; init; } = new();
}

/// <summary>Backups that Hive makes by itself (docs/backups.md).</summary>
public sealed record BackupsOptions
{
    [Option(
        "After how many hours Hive makes another backup by itself, 0 to 720; 0: never",
        Kind = OptionKind.Decimal,
        Most = 720
    )]
    public decimal EveryHours { get; init; }

    [Option(
        "How many of those backups are kept; older ones are deleted, 1 to 999",
        Kind = OptionKind.Decimal,
        Least = 1,
        Most = 999
    )]
    public decimal Keep { get; init; } = 7;

    [Option(
        "The folder of those backups",
        Kind = OptionKind.Folder,
        Default = "the data folder's path with .backups at its end"
    )]
    public string? Folder { get; init; }

    [Option("true: those backups hold the agents' state folders and the shared folder too", Kind = OptionKind.Switch)]
    public bool WithState { get; init; }
}

/// <summary>The room that agents' files may take (docs/containers.md).</summary>
public sealed record DiskOptions
{
    [Option(
        "How many MiB the files of one agent may take, unless its agent.yaml says otherwise, 64 to 16777216; at most a "
            + "quarter of the disk",
        Kind = OptionKind.Decimal,
        Least = 64,
        Most = 16777216
    )]
    public decimal AgentMegabytes { get; init; } = 32768;

    [Option(
        "How many MiB the files in the shared folder may take before Hive warns, 64 to 16777216",
        Kind = OptionKind.Decimal,
        Least = 64,
        Most = 16777216
    )]
    public decimal SharedMegabytes { get; init; } = 32768;
}

/// <summary>The evidence that gates are judged by.</summary>
public sealed record GatesOptions
{
    [Option(
        "The largest repository, in MiB, that a commit is taken from as evidence",
        Kind = OptionKind.Decimal,
        Least = 1,
        Most = 4096
    )]
    public decimal RepositoryMegabytes { get; init; } = 256;
}

/// <summary>Podman's daemon.</summary>
public sealed record PodmanOptions
{
    [Option(
        "Podman's API socket",
        Kind = OptionKind.Socket,
        Default = "root: /run/podman/podman.sock; else $XDG_RUNTIME_DIR/podman/podman.sock"
    )]
    public string? Socket { get; init; }
}

/// <summary>Docker's daemon.</summary>
public sealed record DockerOptions
{
    [Option(
        "Docker's API socket",
        Kind = OptionKind.Socket,
        Default = "$DOCKER_HOST where that is unix://…, else /var/run/docker.sock"
    )]
    public string? Socket { get; init; }
}

/// <summary>Agents under systemd-nspawn.</summary>
public sealed record NspawnOptions
{
    [Option(
        "A folder with a usr in it, whose programs agents on nspawn get instead of the host's. Name resolution, "
            + "the network and trusted certificates stay the host's",
        Kind = OptionKind.RootFolder,
        Default = "the host's own /usr"
    )]
    public string? Root { get; init; }
}

/// <summary>Agents on NixOS.</summary>
public sealed record NixosOptions
{
    [Option("The root folder for the files of NixOS containers; another one is for tests", Kind = OptionKind.Folder)]
    public string Root { get; init; } = "/";
}

/// <summary>Repositories that agents get as inputs.</summary>
public sealed record InputsOptions
{
    [Option(
        "Folders, separated by ;, whose git repositories an agent.yaml may name as file:///…. The data folder "
            + "is always refused",
        Kind = OptionKind.Folders,
        Default = "none"
    )]
    public IReadOnlyList<string> AllowedPaths { get; init; } = [];
}

/// <summary>The git forge (docs/forge.md).</summary>
public sealed record ForgeOptions
{
    [Option(
        "The git forge (docs/forge.md)",
        Kind = OptionKind.Url,
        Default = "none; http://localhost:3000 if the container hive-forge exists"
    )]
    public string? Url { get; init; }

    [Option("The name of a site admin of the forge", Default = "none")]
    public string? User { get; init; }

    [Option("A file with that admin's password", Kind = OptionKind.File, Default = "none")]
    public string? PasswordFile { get; init; }

    [Option(
        "That password itself; a file (Forge:PasswordFile) keeps it off command lines",
        Kind = OptionKind.Credential,
        Default = "none",
        Secret = true
    )]
    public string? Password { get; init; }

    [Option("Instead of user and password: a file with a site admin's token", Kind = OptionKind.File, Default = "none")]
    public string? TokenFile { get; init; }

    [Option(
        "That token itself; a file (Forge:TokenFile) keeps it off command lines",
        Kind = OptionKind.Credential,
        Default = "none",
        Secret = true
    )]
    public string? Token { get; init; }

    [Option(
        "The URL at which the forge reaches this Hive's /forge/webhook; Hive then creates a webhook there",
        Kind = OptionKind.Url,
        Default = "none"
    )]
    public string? WebhookUrl { get; init; }

    [Option("The folder with Forgejo's data in the container hive-forge", Kind = OptionKind.WholePath)]
    public string WorkPath { get; init; } = "/var/lib/forgejo";
}

/// <summary>The hook that tells one address what waits for the operator (docs/guide/phone.md).</summary>
public sealed record NotifyOptions
{
    [Option(
        "Gets a POST when something urgent waits for the operator (docs/guide/phone.md). The file hive.json keeps a "
            + "token in it off command lines",
        Kind = OptionKind.HookUrl,
        Default = "none",
        Secret = true
    )]
    public string? Url { get; init; }

    [Option("The form of that POST", Kind = OptionKind.Choice, Choices = ["json", "ntfy", "slack"])]
    public string Format { get; init; } = "json";

    [Option("How many seconds something waits before that POST, 0 to 86400", Kind = OptionKind.Seconds)]
    public int After { get; init; } = 60;

    [Option(
        "true: the POST holds texts of agents too. false: only the kind of thing, the agent and a link",
        Kind = OptionKind.Switch
    )]
    public bool Bodies { get; init; }

    [Option(
        "The page's address in those links, as a phone reaches it, such as https://my-laptop.my-net.ts.net",
        Kind = OptionKind.Url,
        Default = "the first address of Urls"
    )]
    public string? Page { get; init; }
}

/// <summary>The approval of tickets.</summary>
public sealed record TicketsOptions
{
    /// <summary>The value of <see cref="OnReject"/> that removes a rejected ticket.</summary>
    public const string Delete = "delete";

    [Option("true: a new ticket waits until the operator approves it", Kind = OptionKind.Switch)]
    public bool HumanReview { get; init; }

    [Option(
        "How many seconds a ticket waits for that before it counts as rejected, 60 to 86400",
        Kind = OptionKind.Seconds,
        Least = 60
    )]
    public int ApprovalSeconds { get; init; } = 1800;

    [Option(
        "delete: a rejected ticket is removed. archive: it is kept, and shows as rejected",
        Kind = OptionKind.Choice,
        Choices = [Delete, "archive"]
    )]
    public string OnReject { get; init; } = Delete;
}

/// <summary>How long tasks wait for their agents (docs/worker.md), and what their order is made of.</summary>
public sealed record TasksOptions
{
    [Option(
        "How many seconds an agent may take before it begins a task that it was given; after that another may have it",
        Kind = OptionKind.Seconds
    )]
    public int StartSeconds { get; init; } = 300;

    [Option(
        "How many seconds an agent lost in a turn, or held by a budget, keeps its task before another gets it",
        Kind = OptionKind.Seconds
    )]
    public int LostSeconds { get; init; } = 120;

    [Option(
        "After how many idle seconds, separated by ;, an agent is reminded of a task that it has not ended",
        Kind = OptionKind.SecondsList
    )]
    public IReadOnlyList<string> NudgeSeconds { get; init; } = ["120", "600"];

    [Option("After how many idle seconds a task counts as tried without a result", Kind = OptionKind.Seconds)]
    public int NoResultSeconds { get; init; } = 1800;

    [Option("The pause before a task is tried a second time; each further one doubles", Kind = OptionKind.Seconds)]
    public int BackoffBaseSeconds { get; init; } = 10;

    [Option("The longest pause before a task is tried again", Kind = OptionKind.Seconds)]
    public int BackoffMaxSeconds { get; init; } = 600;

    [Option("How much the priority of a task counts in the queue, 0 to 1", Kind = OptionKind.Decimal)]
    public decimal PriorityWeight { get; init; } = 0.45m;

    [Option("How much the time for which a task has been ready counts, 0 to 1", Kind = OptionKind.Decimal)]
    public decimal AgeWeight { get; init; } = 0.20m;

    [Option("How much the nearness of its deadline counts, 0 to 1", Kind = OptionKind.Decimal)]
    public decimal DeadlineWeight { get; init; } = 0.15m;

    [Option("How much the tasks that wait for it count, 0 to 1; ten count fully", Kind = OptionKind.Decimal)]
    public decimal DependentsWeight { get; init; } = 0.15m;

    [Option("How much the tries that it has left count, 0 to 1", Kind = OptionKind.Decimal)]
    public decimal RetriesWeight { get; init; } = 0.05m;

    [Option("After how many seconds the age of a task counts fully", Kind = OptionKind.Seconds, Least = 60)]
    public int AgeSeconds { get; init; } = 3600;

    [Option("How many seconds before its deadline a task is urgent", Kind = OptionKind.Seconds, Least = 60)]
    public int UrgentSeconds { get; init; } = 900;

    [Option(
        "By what the score of an urgent task is multiplied, 1 to 3",
        Kind = OptionKind.Decimal,
        Least = 1,
        Most = 3
    )]
    public decimal UrgentBoost { get; init; } = 1.25m;

    [Option("After how many seconds of waiting a task has a least score", Kind = OptionKind.Seconds, Least = 60)]
    public int StarvedSeconds { get; init; } = 7200;

    [Option("That least score, 0 to 1", Kind = OptionKind.Decimal)]
    public decimal StarvedFloor { get; init; } = 0.60m;
}

/// <summary>The host's log.</summary>
public sealed record LoggingOptions
{
    public LogLevelOptions LogLevel { get; init; } = new();
}

/// <summary>How much is logged.</summary>
public sealed record LogLevelOptions
{
    [Option(
        "The minimum level of log lines. Other categories have keys of their own, such as "
            + "Logging:LogLevel:Microsoft",
        Kind = OptionKind.Choice,
        Choices = ["Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"]
    )]
    public string Default { get; init; } = "Information";
}
