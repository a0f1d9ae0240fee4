using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Hive.Tests.Forge;

/// <summary>
/// Stands in for a Forgejo: the part of its REST API that Hive uses, with its rights, scopes and statuses, and real
/// smart-HTTP git by <c>git http-backend</c>. The rules are those of Forgejo's documented API: one namespace for users
/// and organisations, 422 for a taken or reserved name, 409 for an existing repository, 400 for a token's name in use,
/// tokens issued by password only and shown once, 307 for a renamed thing, and a webhook's secret neither shown nor
/// changed.
/// </summary>
internal sealed partial class StandInForge : IAsyncDisposable
{
    public const string AdminName = "boss";

    private static readonly string[] Reserved =
    [
        "api",
        "user",
        "org",
        "repo",
        "login",
        "explore",
        "issues",
        "pulls",
        "admin",
        "ghost",
        "assets",
        "metrics",
        "notifications",
        "new",
    ];
    private static readonly string[] Categories =
    [
        "activitypub",
        "admin",
        "issue",
        "misc",
        "notification",
        "organization",
        "package",
        "repository",
        "user",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("hive-forge-").FullName;
    private readonly WebApplication app;
    private readonly Lock gate = new();
    private readonly Dictionary<string, User> users = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Token> tokens = [];
    private readonly Dictionary<string, string> renamed = [];
    private readonly HashSet<string> open = [];
    private readonly Dictionary<string, string[]> collaborators = [];
    private readonly List<JsonObject> hooks = [];
    private int lastHook;

    private StandInForge(WebApplication app) => this.app = app;

    public string Url { get; private set; } = "";

    /// <summary>The password of the admin.</summary>
    public string AdminPassword { get; } = "Boss-" + RandomNumberGenerator.GetHexString(24);

    /// <summary>Every password and token there has been; only its owner may see it.</summary>
    public ConcurrentBag<string> Secrets { get; } = [];

    /// <summary>Method and path of each request, in order; <c>git …</c> for git's.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Answers in place of the forge when it returns true.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>Anonymous callers are refused: <c>REQUIRE_SIGNIN_VIEW</c>.</summary>
    public bool RequiresSignIn { get; set; }

    public IEnumerable<string> Users
    {
        get
        {
            lock (gate)
                return
                [
                    .. users.Values.Where(u => !u.IsOrganisation).Select(u => u.Name).Order(StringComparer.Ordinal),
                ];
        }
    }

    public IEnumerable<string> Organisations
    {
        get
        {
            lock (gate)
                return [.. users.Values.Where(u => u.IsOrganisation).Select(u => u.Name).Order(StringComparer.Ordinal)];
        }
    }

    public static async Task<StandInForge> Start(X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                System.Net.IPAddress.Loopback,
                0,
                listen =>
                {
                    if (certificate is not null)
                        listen.UseHttps(certificate);
                }
            )
        );
        builder.WebHost.UseKestrelHttpsConfiguration();
        var forge = new StandInForge(builder.Build());
        forge.AddUser(AdminName, forge.AdminPassword, isAdmin: true);
        forge.app.Run(forge.Answer);
        await forge.app.StartAsync();
        forge.Url = forge.app.Urls.Single();
        return forge;
    }

    public void AddUser(string name, string password = "Somebody-1", bool isAdmin = false, string? email = null)
    {
        lock (gate)
            users[name] = new User(name)
            {
                Password = password,
                IsAdmin = isAdmin,
                Email = email ?? $"{name}@example.org",
            };
        Secrets.Add(password);
    }

    public void AddOrganisation(string name, params string[] members)
    {
        lock (gate)
            users[name] = new User(name) { IsOrganisation = true, Members = members };
    }

    /// <summary>The members of an organisation's teams.</summary>
    public void SetMembers(string organisation, params string[] members)
    {
        lock (gate)
            users[organisation].Members = members;
    }

    public void SetAdmin(string user, bool isAdmin)
    {
        lock (gate)
            users[user].IsAdmin = isAdmin;
    }

    /// <summary>Makes a repository public, and lets some accounts write to it.</summary>
    public void Open(string repository, params string[] to)
    {
        lock (gate)
        {
            open.Add(repository);
            collaborators[repository] = to;
        }
    }

    public bool IsOpen(string repository)
    {
        lock (gate)
            return open.Contains(repository);
    }

    public void SetCollaborators(string repository, params string[] to)
    {
        lock (gate)
            collaborators[repository] = to;
    }

    /// <summary>Renames a user; the old name redirects to the new one.</summary>
    public void RenameUser(string name, string to)
    {
        lock (gate)
        {
            users.Remove(name, out var user);
            users[to] = new User(to)
            {
                Password = user!.Password,
                IsAdmin = user.IsAdmin,
                Email = user.Email,
            };
            renamed[$"users/{name}"] = $"users/{to}";
        }
    }

    /// <summary>Renames a repository; the old name redirects to the new one.</summary>
    public void RenameRepository(string name, string to)
    {
        lock (gate)
        {
            Directory.Move(Repository(name), Repository(to));
            renamed[$"repos/{name}"] = $"repos/{to}";
        }
    }

    public void RemoveUser(string name)
    {
        lock (gate)
            users.Remove(name);
    }

    /// <summary>Changes the secret of the webhooks, as an admin can by hand.</summary>
    public void SetSecret(string secret)
    {
        lock (gate)
        {
            foreach (var hook in hooks)
                hook["config"]!["secret"] = secret;
        }
    }

    /// <summary>Issues a token for an account, as its owner would.</summary>
    public string AddToken(string user, params string[] scopes)
    {
        lock (gate)
            return Issue(users[user], "by hand", scopes).Value;
    }

    /// <summary>Removes everything except the admin.</summary>
    public void Reset()
    {
        lock (gate)
        {
            foreach (var name in users.Keys.Where(n => n != AdminName).ToArray())
                users.Remove(name);
            tokens.Clear();
            foreach (var owner in Directory.EnumerateDirectories(folder))
                Directory.Delete(owner, recursive: true);
        }
    }

    public void RevokeTokensOf(string user)
    {
        lock (gate)
        {
            foreach (var token in tokens.Values.Where(t => t.Owner.Name == user).ToArray())
                tokens.Remove(token.Value);
        }
    }

    public (string Name, string[] Scopes)[] TokensOf(string user)
    {
        lock (gate)
            return [.. tokens.Values.Where(t => t.Owner.Name == user).Select(t => (t.Name, t.Scopes))];
    }

    public bool IsAdmin(string user)
    {
        lock (gate)
            return users[user].IsAdmin;
    }

    public string? OwnerOf(string token)
    {
        lock (gate)
            return tokens.GetValueOrDefault(token)?.Owner.Name;
    }

    public JsonObject[] Hooks
    {
        get
        {
            lock (gate)
                return [.. hooks];
        }
    }

    /// <summary>The folder of a repository.</summary>
    public string Repository(string name) => Path.Combine(folder, name + ".git");

    public bool HasRepository(string name) => Directory.Exists(Repository(name));

    /// <summary>Every ref of a repository with its target.</summary>
    public string Refs(string name) => RunGit(Repository(name), "for-each-ref", "--format=%(objectname) %(refname)");

    public async ValueTask DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Stops listening until <see cref="Resume"/>.</summary>
    public void Pause() =>
        Instead = http =>
        {
            http.Abort();
            return Task.FromResult(true);
        };

    public void Resume() => Instead = null;

    public static Task Say(HttpContext http, int status, object? body = null)
    {
        http.Response.StatusCode = status;
        return body is null ? Task.CompletedTask : http.Response.WriteAsJsonAsync(body);
    }

    private async Task Answer(HttpContext http)
    {
        var path = http.Request.Path.Value!;
        if (Instead is { } instead && await instead(http))
            return;
        if (GitPath().Match(path) is { Success: true } git)
        {
            Requests.Enqueue($"git {git.Groups[1].Value} {git.Groups[2].Value}{http.Request.QueryString}");
            await AnswerGit(http, git.Groups[1].Value, git.Groups[2].Value);
            return;
        }

        Requests.Enqueue($"{http.Request.Method} {path}");
        if (!path.StartsWith("/api/v1/", StringComparison.Ordinal))
        {
            http.Response.StatusCode = 404;
            http.Response.ContentType = "text/html";
            await http.Response.WriteAsync("<html>nothing here</html>");
            return;
        }

        JsonElement body = default;
        if (http.Request.HasJsonContentType())
            body = (await JsonDocument.ParseAsync(http.Request.Body)).RootElement;
        (int Status, object? Body) answer;
        lock (gate)
            answer = Answer(http, path["/api/v1/".Length..].Split('/'), body);
        if (answer is (307, string to))
            Redirect(http, "/api/v1/" + to);
        else
            await Say(http, answer.Status, answer.Body);
    }

    private (int Status, object? Body) Answer(HttpContext http, string[] path, JsonElement body)
    {
        var login = SignIn(http.Request.Headers.Authorization.ToString());
        if (login is null && http.Request.Headers.Authorization.Count > 0)
            return Refused(401, "invalid username, password or token");
        if (login is null && RequiresSignIn)
            return Refused(403, "Only signed in user is allowed to call APIs.");
        if (path is ["version"])
            return (200, new { version = "15.0.0+stand-in" });
        if (login is null)
            return Refused(401, "token is required");
        if (
            path is ["users", var was, ..]
            && !users.ContainsKey(was)
            && renamed.TryGetValue($"users/{was}", out var user)
        )
            return (307, string.Join('/', [user, .. path[2..]]));
        if (
            path is ["repos", var of, var old, ..]
            && !HasRepository($"{of}/{old}")
            && renamed.TryGetValue($"repos/{of}/{old}", out var repository)
        )
            return (307, string.Join('/', [repository, .. path[3..]]));
        return (http.Request.Method, path) switch
        {
            ("GET", ["user"]) => login.May("read:user") ? (200, Shown(login.User, login)) : NoScope("read:user"),
            ("GET", ["users", var name]) => !login.May("read:user") ? NoScope("read:user")
            : users.TryGetValue(name, out var found) ? (200, Shown(found, login))
            : Refused(404, $"user redirect does not exist [name: {name}]"),
            ("POST", ["users", var name, "tokens"]) => MakeToken(login, name, body),
            ("POST", ["admin", "users"]) => AsAdmin(login, () => MakeUser(body)),
            ("PATCH", ["admin", "users", var name]) => AsAdmin(login, () => EditUser(name, body)),
            ("GET", ["admin", "hooks"]) => AsAdmin(login, () => (200, new JsonArray([.. hooks.Select(Shown)]))),
            ("POST", ["admin", "hooks"]) => AsAdmin(login, () => MakeHook(body)),
            ("PATCH", ["admin", "hooks", var id]) => AsAdmin(login, () => EditHook(id, body)),
            ("DELETE", ["admin", "hooks", var id]) => AsAdmin(
                login,
                () => hooks.RemoveAll(h => h["id"]!.ToString() == id) > 0 ? (204, null) : Refused(404, "not found")
            ),
            ("GET", ["orgs", var name]) => !login.May("read:organization") ? NoScope("read:organization")
            : users.TryGetValue(name, out var org) && org.IsOrganisation ? (200, new { name = org.Name })
            : Refused(404, "not found"),
            // Members and site admins see all of them.
            ("GET", ["orgs", var name, "members"]) => !login.May("read:organization") ? NoScope("read:organization")
            : users.TryGetValue(name, out var org) && org.IsOrganisation
                ? (
                    200,
                    org.Members.Where(m => login.User.IsAdmin || org.Members.Contains(login.User.Name))
                        .Select(m => Shown(users[m], login))
                        .ToArray()
                )
            : Refused(404, "not found"),
            ("POST", ["orgs"]) => login.May("write:organization")
                ? MakeOrganisation(login, body)
                : NoScope("write:organization"),
            ("POST", ["orgs", var name, "repos"]) => !login.May("write:organization") ? NoScope("write:organization")
            : users.TryGetValue(name, out var org) && org.IsOrganisation ? MakeRepository(login, org, body)
            : Refused(404, "not found"),
            ("POST", ["user", "repos"]) => login.May("write:user") && login.May("write:repository")
                ? MakeRepository(login, login.User, body)
                : NoScope("write:user, write:repository"),
            ("GET", ["repos", var owner, var name]) => !login.May("read:repository") ? NoScope("read:repository")
            : HasRepository($"{owner}/{name}")
                ? (200, new { full_name = $"{owner}/{name}", @private = !open.Contains($"{owner}/{name}") })
            : Refused(404, "not found"),
            ("PATCH", ["repos", var owner, var name]) => !login.May("write:repository") ? NoScope("write:repository")
            : HasRepository($"{owner}/{name}") ? EditRepository($"{owner}/{name}", body)
            : Refused(404, "not found"),
            ("GET", ["repos", var owner, var name, "collaborators"]) => !login.May("read:repository")
                ? NoScope("read:repository")
            : HasRepository($"{owner}/{name}")
                ? (
                    200,
                    collaborators.GetValueOrDefault($"{owner}/{name}", []).Select(c => Shown(users[c], login)).ToArray()
                )
            : Refused(404, "not found"),
            _ => Refused(404, "not found"),
        };
    }

    /// <summary>Answers for Forgejo's own command, <c>forgejo admin …</c>, with its flags and messages.</summary>
    public (int Code, string Output, string Error) Command(string[] words)
    {
        Dictionary<string, string> flags = [];
        for (var i = 2; i < words.Length; i++)
        {
            if (words[i] is "--random-password" or "--admin" or "--raw" or "--must-change-password=false")
                flags[words[i]] = "";
            else
                flags[words[i]] = words[++i];
        }

        lock (gate)
        {
            if (words is ["user", "list", "--admin"])
            {
                return (
                    0,
                    string.Concat(
                        users
                            .Values.Where(u => u is { IsOrganisation: false, IsAdmin: true })
                            .Select((u, i) => $"{i + 1}    {u.Name}     {u.Email} true\n")
                            .Prepend("ID   Username Email           IsActive\n")
                    ),
                    ""
                );
            }

            var name = flags["--username"];
            switch (words[..2])
            {
                case ["user", "create"]:
                    if (NameFault(name) is { } fault)
                        return (1, "", $"Command error: CreateUser: {fault}");
                    var password = "random-" + RandomNumberGenerator.GetHexString(12);
                    Secrets.Add(password);
                    users[name] = new User(name)
                    {
                        Password = password,
                        Email = flags["--email"],
                        IsAdmin = flags.ContainsKey("--admin"),
                        MustChangePassword = !flags.ContainsKey("--must-change-password=false"),
                    };
                    return (
                        0,
                        $"generated random password is '{password}'\nNew user '{name}' has been successfully "
                            + "created!\n",
                        ""
                    );
                case ["user", "generate-access-token"]:
                    if (!users.TryGetValue(name, out var user))
                        return (1, "", $"Command error: user does not exist [uid: 0, name: {name}]");
                    if (tokens.Values.Any(t => t.Owner == user && t.Name == flags["--token-name"]))
                        return (1, "", "Command error: access token name has been used already");
                    var scopes = flags["--scopes"].Split(',');
                    return scopes.All(IsScope)
                        ? (0, Issue(user, flags["--token-name"], scopes).Value + "\n", "")
                        : (1, "", "Command error: invalid access token scope provided");
                default:
                    return (1, "", "Command error: No help topic");
            }
        }
    }

    private static (int Status, object? Body) AsAdmin(Login login, Func<(int Status, object? Body)> act) =>
        !login.May("write:admin") ? NoScope("write:admin")
        : !login.User.IsAdmin ? Refused(403, "user should be the site admin")
        : act();

    private (int Status, object? Body) MakeUser(JsonElement body)
    {
        var (name, password, email) = (
            body.GetProperty("username").GetString()!,
            body.GetProperty("password").GetString()!,
            body.GetProperty("email").GetString()!
        );
        if (password.Length < 8)
            return Refused(400, "PasswordIsRequired");
        Secrets.Add(password);
        if (NameFault(name) is { } fault)
            return Refused(422, fault);
        if (users.Values.Any(u => u.Email == email))
            return Refused(422, $"e-mail already in use [email: {email}]");
        users[name] = new User(name)
        {
            Password = password,
            Email = email,
            MustChangePassword = !body.TryGetProperty("must_change_password", out var must) || must.GetBoolean(),
        };
        return (201, new { login = name, email });
    }

    private (int Status, object? Body) EditUser(string name, JsonElement body)
    {
        if (!users.TryGetValue(name, out var user))
            return Refused(404, "not found");
        if (body.TryGetProperty("source_id", out _) != body.TryGetProperty("login_name", out _))
            return Refused(422, "source_id and login_name must be specified together");
        if (body.TryGetProperty("admin", out var admin))
            user.IsAdmin = admin.GetBoolean();
        if (body.TryGetProperty("password", out var password))
        {
            user.Password = password.GetString()!;
            Secrets.Add(user.Password);
        }

        return (200, new { login = name });
    }

    private (int Status, object? Body) MakeToken(Login login, string name, JsonElement body)
    {
        if (!login.ByPassword)
            return Refused(401, "auth method not allowed");
        if (!users.TryGetValue(name, out var user) || user.IsOrganisation)
            return Refused(404, "not found");
        if (login.User.Name != user.Name && !login.User.IsAdmin)
            return Refused(403, "user should be the site admin or be same as the contextUser");
        var called = body.GetProperty("name").GetString()!;
        if (tokens.Values.Any(t => t.Owner == user && t.Name == called))
            return Refused(400, "access token name has been used already");
        var scopes = body.GetProperty("scopes").EnumerateArray().Select(s => s.GetString()!).ToArray();
        if (scopes.Length == 0)
            return Refused(400, "access token must have a scope");
        if (scopes.FirstOrDefault(s => !IsScope(s)) is { } wrong)
            return Refused(400, $"invalid access token scope provided: {wrong}");
        var token = Issue(user, called, scopes);
        return (
            201,
            new
            {
                id = tokens.Count,
                name = called,
                sha1 = token.Value,
                token_last_eight = token.Value[^8..],
                scopes,
            }
        );
    }

    private Token Issue(User user, string name, string[] scopes)
    {
        var token = new Token(RandomNumberGenerator.GetHexString(40, lowercase: true), name, user, scopes);
        tokens[token.Value] = token;
        Secrets.Add(token.Value);
        return token;
    }

    private (int Status, object? Body) MakeOrganisation(Login login, JsonElement body)
    {
        var name = body.GetProperty("username").GetString()!;
        if (NameFault(name) is { } fault)
            return Refused(422, fault);
        users[name] = new User(name)
        {
            IsOrganisation = true,
            Owner = login.User.Name,
            Members = [login.User.Name],
        };
        return (201, new { name });
    }

    private (int Status, object? Body) MakeRepository(Login login, User owner, JsonElement body)
    {
        if (owner.IsOrganisation && owner.Owner != login.User.Name && !login.User.IsAdmin)
            return Refused(403, "given user is not owner of organization");
        var name = $"{owner.Name}/{body.GetProperty("name").GetString()}";
        if (HasRepository(name))
            return Refused(409, "The repository with the same name already exists.");
        RunGit(folder, "init", "--quiet", "--bare", "--initial-branch=main", Repository(name));
        RunGit(Repository(name), "config", "http.receivepack", "true");
        if (!body.TryGetProperty("private", out var isPrivate) || !isPrivate.GetBoolean())
            open.Add(name);
        return (201, new { full_name = name });
    }

    private (int Status, object? Body) EditRepository(string name, JsonElement body)
    {
        if (body.TryGetProperty("private", out var isPrivate))
            _ = isPrivate.GetBoolean() ? open.Remove(name) : open.Add(name);
        return (200, new { full_name = name, @private = !open.Contains(name) });
    }

    private (int Status, object? Body) MakeHook(JsonElement body)
    {
        if (body.GetProperty("type").GetString() is not ("gitea" or "forgejo"))
            return Refused(422, "Invalid hook type");
        var hook = JsonNode.Parse(body.GetRawText())!.AsObject();
        hook["id"] = ++lastHook;
        hooks.Add(hook);
        Secrets.Add(hook["config"]!["secret"]!.GetValue<string>());
        return (201, Shown(hook));
    }

    private (int Status, object? Body) EditHook(string id, JsonElement body)
    {
        var hook = hooks.Single(h => h["id"]!.ToString() == id);
        foreach (var name in new[] { "url", "content_type" })
        {
            if (body.GetProperty("config").TryGetProperty(name, out var value))
                hook["config"]![name] = value.GetString();
        }

        return (200, Shown(hook));
    }

    private static JsonObject Shown(JsonObject hook) =>
        new()
        {
            ["id"] = hook["id"]!.DeepClone(),
            ["type"] = hook["type"]!.DeepClone(),
            ["active"] = hook["active"]!.DeepClone(),
            ["events"] = hook["events"]!.DeepClone(),
            ["config"] = new JsonObject
            {
                ["url"] = hook["config"]!["url"]!.DeepClone(),
                ["content_type"] = hook["config"]!["content_type"]!.DeepClone(),
            },
        };

    private static void Redirect(HttpContext http, string to)
    {
        http.Response.StatusCode = 307;
        http.Response.Headers.Location = to + http.Request.QueryString;
    }

    private string? NameFault(string name) =>
        users.ContainsKey(name) ? $"user already exists [name: {name}]"
        : Reserved.Contains(name, StringComparer.OrdinalIgnoreCase) ? $"name is reserved [name: {name}]"
        : NameForm().IsMatch(name) ? null
        : $"name is not allowed [{name}]";

    private Login? SignIn(string header)
    {
        var parts = header.Split(' ', 2);
        if (parts.Length != 2)
            return null;
        if (
            parts[0].Equals("token", StringComparison.OrdinalIgnoreCase)
            || parts[0].Equals("bearer", StringComparison.OrdinalIgnoreCase)
        )
            return tokens.TryGetValue(parts[1], out var given) ? new Login(given.Owner, given.Scopes) : null;
        if (!parts[0].Equals("basic", StringComparison.OrdinalIgnoreCase))
            return null;
        var pair = Encoding.UTF8.GetString(Convert.FromBase64String(parts[1])).Split(':', 2);
        if (tokens.TryGetValue(pair[1], out var token))
            return new Login(token.Owner, token.Scopes);
        return
            users.TryGetValue(pair[0], out var user)
            && user is { IsOrganisation: false, MustChangePassword: false }
            && user.Password == pair[1]
            ? new Login(user, null)
            : null;
    }

    private async Task AnswerGit(HttpContext http, string name, string service)
    {
        Login? login;
        bool exists,
            may;
        lock (gate)
        {
            login = SignIn(http.Request.Headers.Authorization.ToString());
            exists = HasRepository(name);
            var owner = users.GetValueOrDefault(name.Split('/')[0]);
            may =
                login is not null
                && (login.User.IsAdmin || owner?.Name == login.User.Name || owner?.Owner == login.User.Name);
        }

        if (login is null)
        {
            http.Response.Headers.WWWAuthenticate = "Basic realm=\"Gitea\"";
            await Say(http, 401);
            return;
        }

        if (!exists && renamed.TryGetValue("repos/" + name, out var now))
        {
            Redirect(http, $"{now["repos".Length..]}.git/{service}");
            return;
        }

        var pushes = service == "git-receive-pack" || http.Request.Query["service"] == "git-receive-pack";
        if (!exists || !may)
            await Say(http, 404);
        else if (!login.May(pushes ? "write:repository" : "read:repository"))
            await Say(http, 403);
        else
            await RunBackend(http, name, service, login.User.Name);
    }

    // The common gateway interface, by which a web server runs git.
    private async Task RunBackend(HttpContext http, string name, string service, string user)
    {
        var start = new ProcessStartInfo("git", ["http-backend"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["GIT_PROJECT_ROOT"] = folder;
        start.Environment["GIT_HTTP_EXPORT_ALL"] = "1";
        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        start.Environment["PATH_INFO"] = $"/{name}.git/{service}";
        start.Environment["QUERY_STRING"] = http.Request.QueryString.Value!.TrimStart('?');
        start.Environment["REQUEST_METHOD"] = http.Request.Method;
        start.Environment["CONTENT_TYPE"] = http.Request.ContentType;
        start.Environment["HTTP_CONTENT_ENCODING"] = http.Request.Headers.ContentEncoding.ToString();
        start.Environment["GIT_PROTOCOL"] = http.Request.Headers["Git-Protocol"].ToString();
        start.Environment["REMOTE_USER"] = user;
        start.Environment["REMOTE_ADDR"] = "127.0.0.1";
        using var process = Process.Start(start)!;
        var said = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        var reading = process.StandardOutput.BaseStream.CopyToAsync(output);
        await http.Request.Body.CopyToAsync(process.StandardInput.BaseStream);
        process.StandardInput.Close();
        await reading;
        await process.WaitForExitAsync();
        await said;
        var answer = output.ToArray();
        var end = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        foreach (var line in Encoding.ASCII.GetString(answer, 0, end).Split("\r\n"))
        {
            var pair = line.Split(": ", 2);
            if (http.Response.HasStarted)
                continue;
            if (pair[0] == "Status")
                http.Response.StatusCode = int.Parse(pair[1][..3], System.Globalization.CultureInfo.InvariantCulture);
            else
                http.Response.Headers[pair[0]] = pair[1];
        }

        await http.Response.Body.WriteAsync(answer.AsMemory(end + 4));
    }

    private static string RunGit(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", folder, .. arguments]) { RedirectStandardOutput = true };
        start.Environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Trim()
            : throw new InvalidOperationException($"git {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static bool IsScope(string scope) =>
        scope == "all" || (scope.Split(':') is [("read" or "write"), var category] && Categories.Contains(category));

    private static object Shown(User user, Login to) =>
        to.User.IsAdmin || to.User == user
            ? new
            {
                login = user.Name,
                email = user.Email,
                is_admin = user.IsAdmin,
            }
            : new
            {
                login = user.Name,
                email = $"{user.Name}@noreply",
                is_admin = false,
            };

    private static (int Status, object? Body) Refused(int status, string message) =>
        (status, new { message, url = "http://forge/api/swagger" });

    private static (int Status, object? Body) NoScope(string scope) =>
        Refused(403, $"token does not have at least one of required scope(s): [{scope}]");

    [GeneratedRegex(@"^/([a-z0-9-]+/[a-z0-9-]+)\.git/(info/refs|git-receive-pack|git-upload-pack)$")]
    private static partial Regex GitPath();

    [GeneratedRegex(@"^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$")]
    private static partial Regex NameForm();

    private sealed class User(string name)
    {
        public string Name => name;

        public string Password { get; set; } = "";

        public string Email { get; init; } = "";

        public bool IsAdmin { get; set; }

        public bool IsOrganisation { get; init; }

        public bool MustChangePassword { get; init; }

        public string? Owner { get; init; }

        public string[] Members { get; set; } = [];
    }

    private sealed record Token(string Value, string Name, User Owner, string[] Scopes);

    /// <param name="User">The account of the caller.</param>
    /// <param name="Scopes">The scopes of the token; null for a password, which has all.</param>
    private sealed record Login(User User, string[]? Scopes)
    {
        public bool ByPassword => Scopes is null;

        public bool May(string scope) =>
            Scopes is null
            || Scopes.Contains("all")
            || Scopes.Contains(scope)
            || (scope.StartsWith("read:", StringComparison.Ordinal) && Scopes.Contains("write:" + scope[5..]));
    }
}
