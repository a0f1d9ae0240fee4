using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Persistence;

namespace Hive.Features.Dashboard;

/// <summary>
/// The keys of the dashboard: the access token, session keys that pages hold, one-time codes of login links.
/// Only hashes are kept, and session keys outlive the host so that an open page does.
/// </summary>
internal sealed class OperatorKeys(TimeProvider clock) : IOperatorKeys, ISchema
{
    private static readonly TimeSpan SessionLife = TimeSpan.FromDays(30);
    private static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(10);
    private const int MaxCodes = 100;

    private readonly ConcurrentDictionary<string, Session> sessions = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> codes = new();
    private byte[] token = [];

    public string Slice => "sessions";

    public int Version => 1;

    public void Converge(SchemaEditor editor) => editor.Run("""
        CREATE TABLE IF NOT EXISTS sessions (
            key_hash   TEXT PRIMARY KEY,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) WITHOUT ROWID
        """);

    /// <summary>Sets the access token and reads the sessions that still hold.</summary>
    public async Task Load(IStore store, string accessToken, CancellationToken ct)
    {
        token = SHA256.HashData(Encoding.UTF8.GetBytes(accessToken));
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var row in await store.Read(db => db.Query<Row>("SELECT key_hash AS KeyHash, expires_at AS ExpiresAt FROM sessions WHERE expires_at > @now", new { now }).ToList(), ct))
            sessions[row.KeyHash] = new Session(DateTimeOffset.FromUnixTimeMilliseconds(row.ExpiresAt), new CancellationTokenSource());
    }

    public bool Accepts(string key)
    {
        if (key.Length > 200)
            return false;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        // Comparing hashes takes the same time whatever they are, and looking one up tells nothing about another.
        return CryptographicOperations.FixedTimeEquals(hash, token)
            || (sessions.TryGetValue(Convert.ToHexStringLower(hash), out var session) && session.ExpiresAt > clock.GetUtcNow());
    }

    /// <summary>Cancelled when the session of a key is ended, not when it expires; never for the access
    /// token.</summary>
    public CancellationToken Ended(string key) => sessions.TryGetValue(Hash(key), out var session) ? session.Ending.Token : CancellationToken.None;

    /// <summary>A new one-time code for a login link; good for ten minutes.</summary>
    public string NewCode()
    {
        var now = clock.GetUtcNow();
        foreach (var (old, expires) in codes.OrderBy(c => c.Value).Take(Math.Max(0, codes.Count - MaxCodes + 1)).Concat(codes.Where(c => c.Value <= now)))
            codes.TryRemove(old, out _);
        var code = Secret(16);
        codes[Hash(code)] = now + CodeLife;
        return code;
    }

    /// <summary>Uses a code up, unless the write fails.</summary>
    /// <returns>False when it is wrong, used or too old.</returns>
    public bool TakeCode(IWrite write, string code)
    {
        var hash = Hash(code);
        if (!codes.TryRemove(hash, out var expires))
            return false;
        write.OnRollback(() => codes[hash] = expires);
        return expires > clock.GetUtcNow();
    }

    /// <summary>Opens a session.</summary>
    public (string Key, DateTimeOffset ExpiresAt) Open(IWrite write)
    {
        var key = Secret(32);
        var hash = Hash(key);
        var now = clock.GetUtcNow();
        var expires = now + SessionLife;
        write.Db.Execute("DELETE FROM sessions WHERE expires_at <= @now", new { now = now.ToUnixTimeMilliseconds() });
        write.Db.Execute(
            "INSERT INTO sessions (key_hash, created_at, expires_at) VALUES (@hash, @at, @expires)",
            new { hash, at = now.ToUnixTimeMilliseconds(), expires = expires.ToUnixTimeMilliseconds() });
        sessions[hash] = new Session(expires, new CancellationTokenSource());
        write.OnRollback(() => sessions.TryRemove(hash, out _));
        return (key, expires);
    }

    /// <summary>Ends a session.</summary>
    public void End(IWrite write, string key)
    {
        var hash = Hash(key);
        write.Db.Execute("DELETE FROM sessions WHERE key_hash = @hash", new { hash });
        if (!sessions.TryRemove(hash, out var session))
            return;
        write.OnRollback(() => sessions[hash] = session);
        write.AfterCommit(session.End);
    }

    /// <summary>A random text that fits into a link.</summary>
    /// <param name="bytes">How many random bytes stand behind it.</param>
    public static string Secret(int bytes) => Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    private static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>One signed-in page.</summary>
    /// <param name="ExpiresAt">When it ends by itself.</param>
    /// <param name="Ending">Cancelled when it is ended before. Never disposed: it has no timer, and a stream may look
    /// at it at any time.</param>
    private sealed record Session(DateTimeOffset ExpiresAt, CancellationTokenSource Ending)
    {
        // On the pool, where the streams that listen go on.
        public void End() => _ = Ending.CancelAsync();
    }

    private sealed record Row
    {
        public required string KeyHash { get; init; }

        public required long ExpiresAt { get; init; }
    }
}
