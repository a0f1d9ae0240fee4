using Hive.Agent.Drivers;

namespace Hive.Agent.Login;

/// <summary>Knows whether somebody must log in, and notices by itself when somebody has.</summary>
internal sealed class LoginWatch(ILogin login, TimeProvider time)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private string? refused;

    /// <summary>There are no credentials, or those there are were refused.</summary>
    public bool IsNeeded
    {
        get
        {
            lock (gate)
                return login.Fingerprint is not { } now || now == refused;
        }
    }

    /// <summary>
    /// There are credentials, although they were refused: whoever refused them may be of another mind.
    /// </summary>
    public bool MayTry => login.Fingerprint is not null;

    /// <summary>A turn failed for want of a login.</summary>
    public void Refused()
    {
        lock (gate)
            refused = login.Fingerprint;
    }

    /// <summary>A turn went well.</summary>
    public void Accepted()
    {
        lock (gate)
            refused = null;
    }

    /// <summary>Completes when nobody needs to log in any more.</summary>
    public async Task RestoredAsync(CancellationToken ct)
    {
        // Not disposed: an event may be on its way while the watching ends.
        var changed = new SemaphoreSlim(0);
        using var watcher = Watch(() => changed.Release());
        while (IsNeeded)
        {
            // Looked at now and then too: not every folder can be watched.
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var again = Task.Delay(LookAgain, time, waiting.Token);
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
