using Hive.Agent.Drivers;

namespace Hive.Agent.Login;

/// <summary>Knows whether a login is needed, and notices new credentials.</summary>
internal sealed class LoginWatch(ILogin login, TimeProvider time)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private string? refused;

    /// <summary>Whether credentials are missing or were refused.</summary>
    public bool IsNeeded
    {
        get
        {
            lock (gate)
                return login.Fingerprint is not { } now || now == refused;
        }
    }

    /// <summary>Whether refused credentials are worth another try: they exist, and may be accepted again.</summary>
    public bool MayTry => login.Fingerprint is not null;

    /// <summary>Notes that a turn failed because of the login.</summary>
    public void Refused()
    {
        lock (gate)
            refused = login.Fingerprint;
    }

    /// <summary>Notes that a turn succeeded.</summary>
    public void Accepted()
    {
        lock (gate)
            refused = null;
    }

    /// <summary>Completes when no login is needed any more.</summary>
    public async Task RestoredAsync(CancellationToken ct)
    {
        // Not disposed, since a late event may still release it.
        var changed = new SemaphoreSlim(0);
        using var watcher = Watch(() => changed.Release());
        while (IsNeeded)
        {
            // Polled as well, since not every folder can be watched.
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var again = Task.Delay(PollInterval, time, waiting.Token);
            await Task.WhenAny(changed.WaitAsync(waiting.Token), again);
            await waiting.CancelAsync();
            ct.ThrowIfCancellationRequested();
        }
    }

    private FileSystemWatcher? Watch(Action changed)
    {
        try
        {
            Directory.CreateDirectory(
                login.Folder,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            );
            var watcher = new FileSystemWatcher(login.Folder)
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Created += (_, _) => changed();
            watcher.Changed += (_, _) => changed();
            watcher.Renamed += (_, _) => changed();
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
