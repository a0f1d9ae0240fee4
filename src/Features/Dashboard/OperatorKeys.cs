using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Dashboard;

/// <summary>
/// Keeps the keys of the dashboard: the access token, the session keys that pages hold, and the one-time codes of login
/// links. Only hashes are kept; session keys are stored, so that an open page survives a restart of the host. Every key
/// has an id that is not secret: by it, a page asks this host to prove that it knows the key. The page then sends the
/// key under a mask that only this run of the host can remove.
/// </summary>
internal sealed class OperatorKeys(TimeProvider clock, IHostApplicationLifetime lifetime) : IOperatorKeys, ISchema
{
    /// <summary>The length of the longest masked key; an unmasked key has at most 200 characters.</summary>
    public const int MaxLength = 320;

    /// <summary>The number of characters of an id.</summary>
    public const int IdLength = 32;

    /// <summary>The number of characters of a session's id in lists.</summary>
    public const int ShortIdLength = 12;

    /// <summary>A session ends when it is not used for this long.</summary>
    private static readonly TimeSpan SessionLife = TimeSpan.FromHours(12);

    /// <summary>A session ends after this long, however much it is used.</summary>
    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(30);

    /// <summary>A session in use is prolonged in steps of this length, so that few requests write.</summary>
    private static readonly TimeSpan ProlongStep = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan CodeLife = TimeSpan.FromMinutes(10);
    private const int MaxCodes = 100;
    private const int MaxSessions = 200;
    private const int MaxKey = 200;
    private const string MaskPrefix = "masked.";

    private readonly ConcurrentDictionary<string, Known> sessions = new();
    private readonly ConcurrentDictionary<string, Known> codes = new();
    private readonly byte[] decoy = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);
    private volatile Known token = new([], DateTimeOffset.MinValue);
    private IStore? store;

    public string Slice => "sessions";

    public int Version => 2;

    /// <summary>Names this run of the host. A mask belongs to one run and is worthless after it.</summary>
    public string Run { get; } = Secret(16);

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS sessions (
                key_hash   TEXT PRIMARY KEY,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        editor.Column("sessions", "address", "TEXT");
        editor.Column("sessions", "client", "TEXT");
    }

    /// <summary>Sets the access token and loads the sessions that have not expired.</summary>
    public async Task Load(IStore from, string accessToken, CancellationToken ct)
    {
        store = from;
        token = new(Hash(accessToken), DateTimeOffset.MaxValue);
        var now = clock.GetUtcNow();
        // Earlier versions gave a session thirty days.
        var latest = (now + SessionLife).ToUnixTimeMilliseconds();
        const string Exists = "SELECT EXISTS (SELECT 1 FROM sessions WHERE expires_at > @latest)";
        const string Shorten = "UPDATE sessions SET expires_at = @latest WHERE expires_at > @latest";
        if (await from.Read(db => db.ExecuteScalar<bool>(Exists, new { latest }), ct))
            await from.Write(write => write.Db.Execute(Shorten, new { latest }), ct);
        var rows = await from.Read(
            db =>
                db.Query<Row>(
                        """
                        SELECT key_hash, created_at, expires_at, address, client
                          FROM sessions
                         WHERE expires_at > @now AND created_at > @oldest
                        """,
                        new
                        {
                            now = now.ToUnixTimeMilliseconds(),
                            oldest = (now - LongestLife).ToUnixTimeMilliseconds(),
                        }
                    )
                    .ToList(),
            ct
        );
        foreach (var row in rows)
        {
            var hash = new byte[SHA256.HashSizeInBytes];
            // A page whose row is damaged must sign in again.
            if (
                Convert.FromHexString(row.KeyHash, hash, out _, out var bytes) != OperationStatus.Done
                || bytes != hash.Length
            )
                continue;
            sessions[IdOf(hash)] = new(hash, DateTimeOffset.FromUnixTimeMilliseconds(row.ExpiresAt))
            {
                OpenedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.CreatedAt),
                Address = row.Address,
                Client = row.Client,
            };
        }
    }

    public bool Accepts(string key)
    {
        var hash = Hash(Unmasked(key));
        var id = IdOf(hash);
        // Hashes are compared in constant time, and the lookup of one hash tells nothing about another.
        if (CryptographicOperations.FixedTimeEquals(hash, token.Hash))
            return true;
        if (!sessions.TryGetValue(id, out var session) || session.EndsAt <= clock.GetUtcNow())
            return false;
        Prolong(id, session);
        return true;
    }

    /// <summary>True for the access token, plain or masked.</summary>
    public bool IsToken(string key) => CryptographicOperations.FixedTimeEquals(Hash(Unmasked(key)), token.Hash);

    /// <summary>Proves to a page that this host knows a key: an HMAC under its hash over the page's nonce.</summary>
    /// <returns>False for an unknown id, which takes the same work and gives a worthless proof.</returns>
    public bool Prove(string id, string nonce, string origin, out string proof)
    {
        var known = Find(id);
        var about = Encoding.UTF8.GetBytes($"hive proof\n{origin}\n{Run}\n{nonce}");
        proof = Text(HMACSHA256.HashData(known?.Hash ?? decoy, about));
        return known is not null;
    }

    /// <summary>Cancelled when the session of a key is ended, not when it expires, or when the access token is
    /// replaced.</summary>
    public CancellationToken Ended(string key)
    {
        var hash = Hash(Unmasked(key));
        if (token is var current && CryptographicOperations.FixedTimeEquals(hash, current.Hash))
            return current.Ending.Token;
        return sessions.TryGetValue(IdOf(hash), out var session)
            ? session.Ending.Token
            : new CancellationToken(canceled: true);
    }

    /// <summary>Replaces the access token: the old one stops at once, and its streams end.</summary>
    public void Replace(string accessToken)
    {
        var old = token;
        token = new(Hash(accessToken), DateTimeOffset.MaxValue);
        _ = old.Ending.CancelAsync();
    }

    /// <summary>The id of the session that a key opens; null for the access token and for an unknown key.</summary>
    public string? SessionOf(string key)
    {
        var id = IdOf(Hash(Unmasked(key)));
        return sessions.ContainsKey(id) ? id : null;
    }

    /// <inheritdoc />
    public string? NameOf(string key) =>
        SessionOf(key) is { } session ? Short(session)
        : IsToken(key) ? "access token"
        : null;

    /// <summary>The id of the open session with that short id; null when there is none.</summary>
    public string? WithShortId(string shortId)
    {
        var now = clock.GetUtcNow();
        return sessions.FirstOrDefault(s => Short(s.Key) == shortId && s.Value.EndsAt > now).Key;
    }

    /// <summary>The id of a session in lists. It is not secret, and opens nothing.</summary>
    public static string Short(string id) => id[..ShortIdLength];

    /// <summary>The open sessions, the one used last first, at most 200.</summary>
    /// <param name="current">The id of the caller's own.</param>
    public IReadOnlyList<SessionView> List(string? current)
    {
        var now = clock.GetUtcNow();
        return
        [
            .. sessions
                .Where(s => s.Value.EndsAt > now)
                .OrderByDescending(s => s.Value.ExpiresAt)
                .ThenByDescending(s => s.Value.OpenedAt)
                .Take(MaxSessions)
                .Select(s => new SessionView(
                    Short(s.Key),
                    s.Value.OpenedAt!.Value,
                    s.Value.ExpiresAt - SessionLife,
                    s.Value.EndsAt,
                    s.Key == current,
                    s.Value.Address,
                    s.Value.Client
                )),
        ];
    }

    /// <summary>The ids of all sessions.</summary>
    public IReadOnlyCollection<string> Ids() => [.. sessions.Keys];

    /// <summary>True for a code that would open a session now.</summary>
    public bool IsCode(string code) =>
        codes.TryGetValue(IdOf(Hash(Unmasked(code))), out var known) && known.ExpiresAt > clock.GetUtcNow();

    /// <summary>Creates a one-time code for a login link, valid for ten minutes.</summary>
    public string NewCode()
    {
        var now = clock.GetUtcNow();
        var spare = codes.OrderBy(c => c.Value.ExpiresAt).Take(Math.Max(0, codes.Count - MaxCodes + 1));
        foreach (var (old, _) in spare.Concat(codes.Where(c => c.Value.ExpiresAt <= now)))
            codes.TryRemove(old, out _);
        var code = Secret(16);
        var hash = Hash(code);
        codes[IdOf(hash)] = new(hash, now + CodeLife);
        return code;
    }

    /// <summary>Uses up a code, unless the write fails.</summary>
    /// <returns>False when the code is wrong, used or too old.</returns>
    public bool TakeCode(IWrite write, string code)
    {
        var id = IdOf(Hash(Unmasked(code)));
        if (!codes.TryRemove(id, out var known))
            return false;
        write.OnRollback(() => codes[id] = known);
        return known.ExpiresAt > clock.GetUtcNow();
    }

    /// <summary>The ids of the sessions that must end before another is opened: those used longest ago, beyond
    /// 199.</summary>
    public IReadOnlyCollection<string> Surplus()
    {
        var now = clock.GetUtcNow();
        return
        [
            .. sessions
                .Where(s => s.Value.EndsAt > now)
                .OrderByDescending(s => s.Value.ExpiresAt)
                .ThenByDescending(s => s.Value.OpenedAt)
                .Skip(MaxSessions - 1)
                .Select(s => s.Key),
        ];
    }

    /// <summary>Opens a session.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="address">Where its page is.</param>
    /// <param name="client">Its browser and system.</param>
    public (string Id, string Key, DateTimeOffset ExpiresAt) Open(IWrite write, string? address, string? client)
    {
        var key = Secret(32);
        var hash = Hash(key);
        var id = IdOf(hash);
        var now = clock.GetUtcNow();
        var expires = now + SessionLife;
        write.Db.Execute(
            "DELETE FROM sessions WHERE expires_at <= @now OR created_at <= @oldest",
            new { now = now.ToUnixTimeMilliseconds(), oldest = (now - LongestLife).ToUnixTimeMilliseconds() }
        );
        foreach (var (old, _) in sessions.Where(s => s.Value.EndsAt <= now))
            sessions.TryRemove(old, out _);
        write.Db.Execute(
            """
            INSERT INTO sessions (key_hash, created_at, expires_at, address, client)
            VALUES (@hash, @at, @expires, @address, @client)
            """,
            new
            {
                hash = Hex(hash),
                at = now.ToUnixTimeMilliseconds(),
                expires = expires.ToUnixTimeMilliseconds(),
                address,
                client,
            }
        );
        sessions[id] = new(hash, expires)
        {
            OpenedAt = now,
            Address = address,
            Client = client,
        };
        write.OnRollback(() => sessions.TryRemove(id, out _));
        return (id, key, expires);
    }

    /// <summary>Ends a session; its streams end with it.</summary>
    /// <returns>False when it has ended already.</returns>
    public bool End(IWrite write, string id)
    {
        if (!sessions.TryRemove(id, out var session))
            return false;
        // First, since the statement can fail too.
        write.OnRollback(() => sessions[id] = session);
        write.Db.Execute("DELETE FROM sessions WHERE key_hash = @hash", new { hash = Hex(session.Hash) });
        // Asynchronously, because the session's streams continue on the cancelling thread.
        write.AfterCommit(() => _ = session.Ending.CancelAsync());
        return true;
    }

    /// <summary>A random text that fits into a link.</summary>
    /// <param name="bytes">The number of random bytes.</param>
    public static string Secret(int bytes) => Text(RandomNumberGenerator.GetBytes(bytes));

    // Two requests may both prolong at once; both then write the same.
    private void Prolong(string id, Known session)
    {
        var expires = clock.GetUtcNow() + SessionLife;
        if (expires - session.ExpiresAt < ProlongStep)
            return;
        if (!sessions.TryUpdate(id, session with { ExpiresAt = expires }, session))
            return;
        _ = store!.WriteUntilStored(
            write =>
                write.Db.Execute(
                    "UPDATE sessions SET expires_at = @expires WHERE key_hash = @hash",
                    new { hash = Hex(session.Hash), expires = expires.ToUnixTimeMilliseconds() }
                ),
            clock,
            lifetime.ApplicationStopping
        );
    }

    private Known? Find(string id)
    {
        if (id == IdOf(token.Hash))
            return token;
        var known = sessions.GetValueOrDefault(id) ?? codes.GetValueOrDefault(id);
        return known?.EndsAt > clock.GetUtcNow() ? known : null;
    }

    // A mask hides the key from everybody who does not know its hash. The hash itself opens nothing: only the unmasked
    // key does.
    private string Unmasked(string key)
    {
        if (!key.StartsWith(MaskPrefix, StringComparison.Ordinal) || key.Length > MaxLength)
            return key;
        if (key.Split('.') is not [_, var id, var text])
            return key;
        if (!Base64Url.IsValid(text, out var length) || length is 0 or > MaxKey || Find(id) is not { } known)
            return key;
        var masked = Base64Url.DecodeFromChars(text);
        Span<byte> mask = stackalloc byte[length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, known.Hash, mask, Encoding.UTF8.GetBytes(Run), "hive mask"u8);
        for (var i = 0; i < length; i++)
            mask[i] ^= masked[i];
        return Encoding.UTF8.GetString(mask);
    }

    private static string IdOf(ReadOnlySpan<byte> hash) =>
        Hex(SHA256.HashData([.. "hive key\n"u8, .. hash]))[..IdLength];

    private static string Text(byte[] bytes) => Base64Url.EncodeToString(bytes);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private sealed record Known(byte[] Hash, DateTimeOffset ExpiresAt)
    {
        /// <summary>Null for a code and for the access token.</summary>
        public DateTimeOffset? OpenedAt { get; init; }

        /// <summary>When it stops: at the latest, a session after its longest life.</summary>
        public DateTimeOffset EndsAt => OpenedAt + LongestLife is { } latest && latest < ExpiresAt ? latest : ExpiresAt;

        public string? Address { get; init; }

        public string? Client { get; init; }

        // Never disposed: it has no timer, and a stream may read its token at any time.
        public CancellationTokenSource Ending { get; } = new();
    }

    private sealed record Row
    {
        public required string KeyHash { get; init; }

        public required long CreatedAt { get; init; }

        public required long ExpiresAt { get; init; }

        public string? Address { get; init; }

        public string? Client { get; init; }
    }
}
