using Carter;
using Hive.Common.Activities;
using Hive.Common.Backups;
using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Common.Doors;

/// <summary>
/// Declares all that a slice brings: its doors, services, tables, events, parts of the page, and the slices it uses.
/// A door makes a request record with its handler reachable, documented and guarded: at a REST route, as a command on a
/// kind of socket, or as a tool that agents see. Slices know Carter only through this class.
/// </summary>
public abstract class FeatureModule : CarterModule
{
    private readonly List<Route> routes = [];
    private readonly List<Command> commands = [];
    private readonly List<EventDeclaration> events = [];
    private readonly List<string> used = [];
    private readonly List<Action<IServiceCollection>> parts = [];

    /// <summary>The slice's name: the last part of its namespace.</summary>
    public string Slice => GetType().Namespace!.Split('.')[^1];

    /// <summary>The slices whose contracts this one may use.</summary>
    public IReadOnlyList<string> Used => used;

    /// <summary>The events that the slice publishes.</summary>
    public IReadOnlyList<EventDeclaration> Events => events;

    /// <summary>The REST routes, for the OpenAPI document.</summary>
    internal IReadOnlyList<Route> Routes => routes;

    /// <summary>The socket commands.</summary>
    internal IReadOnlyList<Command> Commands => commands;

    /// <summary>Registers the slice's services and what the module declares.</summary>
    internal void Register(IServiceCollection services)
    {
        foreach (var part in parts)
            part(services);
        Services(services);
    }

    /// <summary>Registers the slice's own classes, hosted services in the order in which they start.</summary>
    protected virtual void Services(IServiceCollection services) { }

    /// <summary>Names the slices whose contracts this slice uses; the architecture tests hold the code to it.</summary>
    protected void Uses(params string[] slices) => used.AddRange(slices);

    /// <summary>The slice's tables.</summary>
    protected void Schema<T>()
        where T : class, ISchema => parts.Add(services => services.AddSingleton<ISchema, T>());

    /// <summary>An event of the stream, or of an agent's own stream.</summary>
    /// <typeparam name="TRow">The type of its row.</typeparam>
    /// <param name="kind">Its name, such as <c>reminder_changed</c>.</param>
    /// <param name="noun">The member that holds the row, such as <c>reminder</c>.</param>
    protected void Event<TRow>(string kind, string noun) => events.Add(new EventDeclaration(kind, noun, typeof(TRow)));

    /// <summary>A member of the dashboard's snapshot.</summary>
    protected void Section<T>()
        where T : class, IDashboardSection => parts.Add(services => services.AddSingleton<IDashboardSection, T>());

    /// <summary>A part of every agent's row, at <c>parts.&lt;name&gt;</c>.</summary>
    protected void RowPart<T>()
        where T : class, IAgentRowPart => parts.Add(services => services.AddSingleton<IAgentRowPart, T>());

    /// <summary>Members of an agent's row outside of <c>parts</c>, which only the oldest slices have.</summary>
    protected void RowFields<T>()
        where T : class, IAgentRowFields => parts.Add(services => services.AddSingleton<IAgentRowFields, T>());

    /// <summary>A source of what agents do.</summary>
    protected void Activity<T>()
        where T : class, IActivitySource => parts.Add(services => services.AddSingleton<IActivitySource, T>());

    /// <summary>A source of what agents wait for or owe.</summary>
    protected void LooseEnds<T>()
        where T : class, ILooseEnds => parts.Add(services => services.AddSingleton<ILooseEnds, T>());

    /// <summary>A kind of thing that waits for the operator.</summary>
    protected void Waiting<T>()
        where T : class, IWaiting => parts.Add(services => services.AddSingletonAs<T, IWaiting>());

    /// <summary>A check that <c>hive doctor</c> runs.</summary>
    protected void Check<T>()
        where T : class, ICheck => parts.Add(services => services.AddSingleton<ICheck, T>());

    /// <summary>A part of a backup.</summary>
    protected void Backup<T>()
        where T : class, IBackupPart => parts.Add(services => services.AddSingleton<IBackupPart, T>());

    /// <summary>Restores a part of a backup.</summary>
    protected void Restore<T>()
        where T : class, IRestorePart => parts.Add(services => services.AddSingleton<IRestorePart, T>());

    /// <summary>Rows that are counted, and perhaps changed, in a restored database.</summary>
    protected void Restored<T>()
        where T : class, IRestoredRows => parts.Add(services => services.AddSingleton<IRestoredRows, T>());

    /// <summary>A REST route that reads.</summary>
    protected void Get<TRequest>(string path) => Get(path, Rest<TRequest>("GET", path));

    /// <summary>A REST route that changes something: <c>/api/&lt;things&gt;/{id}/&lt;verb&gt;</c>.</summary>
    /// <param name="path">The route.</param>
    /// <param name="alias">An older route that does the same, deprecated in the OpenAPI document.</param>
    protected void Post<TRequest>(string path, string? alias = null)
    {
        Post(path, Rest<TRequest>("POST", path));
        if (alias is not null)
            Post(alias, Rest<TRequest>("POST", alias, isAlias: true));
    }

    /// <summary>A REST route that changes the given fields of something and leaves the others.</summary>
    protected void Patch<TRequest>(string path) => Patch(path, Rest<TRequest>("PATCH", path));

    /// <summary>A REST route that removes something.</summary>
    protected void Delete<TRequest>(string path) => Delete(path, Rest<TRequest>("DELETE", path));

    /// <summary>A REST route that writes its own answer, such as a stream.</summary>
    /// <param name="path">The route.</param>
    /// <param name="mediaType">What it answers with.</param>
    /// <param name="handler">Writes the answer; a <see cref="Problem"/> thrown before the first byte becomes
    /// problem+json.</param>
    /// <param name="answer">The name of the <see cref="IComposedSchema"/> that describes the answer; null for
    /// text.</param>
    protected void Get(string path, string mediaType, RequestDelegate handler, string? answer = null)
    {
        routes.Add(new Route("GET", path, null, null, mediaType, answer));
        Get(path, http => RestErrors.Guard(http, handler));
    }

    /// <summary>A REST route that answers with the stream of events.</summary>
    /// <param name="path">The route.</param>
    /// <param name="handler">Writes the stream.</param>
    protected void GetEvents(string path, RequestDelegate handler)
    {
        routes.Add(new Route("GET", path, null, null, "text/event-stream", HasEvents: true));
        Get(path, http => RestErrors.Guard(http, handler));
    }

    /// <summary>A REST route that takes no key, because the caller signs the request.</summary>
    /// <param name="path">The route.</param>
    /// <param name="handler">Checks the signature before anything else, and writes the answer.</param>
    protected void PostSigned<TResponse>(string path, RequestDelegate handler)
    {
        routes.Add(new Route("POST", path, null, typeof(TResponse), "application/json", IsSigned: true));
        Post(path, http => RestErrors.Guard(http, handler));
    }

    /// <summary>A command on every agent's socket, the manager's included.</summary>
    protected void Agent<TRequest>(string name) => Add<TRequest>(Doors.Agent | Doors.Manager, name);

    /// <summary>A command on every agent's socket that is also offered to the agent as a tool.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">What it does, told to a model.</param>
    /// <param name="hints">What a client may assume before it lets a model call the tool.</param>
    protected void Tool<TRequest>(string name, string description, ToolHints hints = ToolHints.None) =>
        Add<TRequest>(Doors.Agent | Doors.Manager, name, description, hints);

    /// <summary>A command and tool of the agents with one of several duties.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">What it does, told to a model.</param>
    /// <param name="duties">The duties; an agent needs one of them.</param>
    /// <param name="hints">What a client may assume before it lets a model call the tool.</param>
    /// <param name="noun">The member that holds the answer; null when the answer's own members are those of the
    /// line.</param>
    protected void Tool<TRequest>(
        string name,
        string description,
        Duty duties,
        ToolHints hints = ToolHints.None,
        string? noun = null
    ) =>
        Add<TRequest>(
            ((duties & (Duty.Worker | Duty.Validator)) != Duty.None ? Doors.Agent : Doors.None)
                | (duties.HasFlag(Duty.Manager) ? Doors.Manager : Doors.None),
            name,
            description,
            hints,
            duties,
            noun
        );

    /// <summary>A command and tool of the manager alone.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="description">What it does, told to a model.</param>
    /// <param name="hints">What a client may assume before it lets a model call the tool.</param>
    protected void ManagerTool<TRequest>(string name, string description, ToolHints hints = ToolHints.None) =>
        Add<TRequest>(Doors.Manager, name, description, hints);

    /// <summary>A command on the host socket.</summary>
    /// <param name="name">The command's name.</param>
    /// <param name="noun">The member that holds the answer, such as <c>agents</c> for a list; null when the answer's
    /// own members are those of the line.</param>
    protected void Host<TRequest>(string name, string? noun = null) => Add<TRequest>(Doors.Host, name, noun: noun);

    private void Add<TRequest>(
        Doors doors,
        string name,
        string? description = null,
        ToolHints hints = default,
        Duty duties = Duty.None,
        string? noun = null
    ) =>
        commands.Add(
            (Command)
                Activator.CreateInstance(
                    typeof(Command<,>).MakeGenericType(typeof(TRequest), ResponseOf(typeof(TRequest))),
                    name,
                    doors,
                    description,
                    hints,
                    duties,
                    noun
                )!
        );

    private RequestDelegate Rest<TRequest>(string verb, string path, bool isAlias = false)
    {
        var response = ResponseOf(typeof(TRequest));
        routes.Add(new Route(verb, path, typeof(TRequest), response, "application/json", IsAlias: isAlias));
        var endpoint = (RestEndpoint)
            Activator.CreateInstance(typeof(RestEndpoint<,>).MakeGenericType(typeof(TRequest), response), path)!;
        return http => RestErrors.Guard(http, endpoint.Handle);
    }

    private static Type ResponseOf(Type request) =>
        Array
            .Find(request.GetInterfaces(), i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IRequest<>))
            ?.GetGenericArguments()[0]
        ?? throw new InvalidOperationException($"{request} is not an IRequest<T>");
}

/// <summary>One REST route, for the OpenAPI document. A route without a request type writes its own answer.</summary>
internal sealed record Route(
    string Verb,
    string Path,
    Type? Request,
    Type? Response,
    string MediaType,
    string? Answer = null,
    bool IsSigned = false,
    bool IsAlias = false,
    bool HasEvents = false
);

/// <summary>The paths of the routes that take a signature instead of a key.</summary>
public sealed class SignedRoutes(IEnumerable<FeatureModule> modules)
{
    private readonly HashSet<string> paths =
    [
        .. modules.SelectMany(m => m.Routes).Where(r => r.IsSigned).Select(r => r.Path),
    ];

    /// <summary>True for the exact path of such a route.</summary>
    public bool Contains(string? path) => path is not null && paths.Contains(path);
}

/// <summary>A schema whose members come from several slices, so that no single record describes it.</summary>
public interface IComposedSchema
{
    /// <summary>The schema's name in the OpenAPI document.</summary>
    string Name { get; }

    /// <summary>The schema's members as on the wire.</summary>
    IEnumerable<(string Name, Type Type)> Members { get; }

    /// <summary>True when every member is always there.</summary>
    bool AreAllRequired => true;
}

/// <summary>The kinds of socket.</summary>
[Flags]
internal enum Doors
{
    None = 0,
    Agent = 1,
    Manager = 2,
    Host = 4,
}

/// <summary>Hints about a tool that a client may rely on; see <see cref="ToolAnnotations"/>.</summary>
[Flags]
public enum ToolHints
{
    /// <summary>The tool adds something, such as a message, each time it is called.</summary>
    None = 0,

    /// <summary>The tool changes nothing.</summary>
    ReadOnly = 1,

    /// <summary>The tool can end or remove something that is not the caller's own.</summary>
    Destructive = 2,

    /// <summary>Calling the tool again with the same arguments changes nothing more.</summary>
    Idempotent = 4,

    /// <summary>The tool reaches beyond this Hive.</summary>
    OpenWorld = 8,
}

/// <summary>One socket command.</summary>
internal abstract class Command(string name, Doors doors, string? description, ToolHints hints, Duty duties)
{
    public string Name => name;

    public Doors Doors => doors;

    /// <summary>The description for models; null when the command is not a tool.</summary>
    public string? Description => description;

    public ToolHints Hints => hints;

    /// <summary>The duties of which the caller needs one; none when everybody on the socket has the command.</summary>
    public Duty Duties => duties;

    /// <summary>True when a caller with that duty has the command.</summary>
    public bool IsFor(Duty duty) => duties == Duty.None || (duties & duty) != Duty.None;

    public abstract Type Request { get; }

    /// <summary>The request may wait long; the door watches the peer while it runs.</summary>
    public abstract bool Waits { get; }

    /// <summary>The request is an <see cref="IShortRequest"/>.</summary>
    public abstract bool IsShort { get; }

    public abstract Task<object> Run(ReadOnlySpan<byte> line, Caller caller, IMediator mediator, CancellationToken ct);
}

/// <inheritdoc />
internal sealed class Command<TRequest, TResponse>(
    string name,
    Doors doors,
    string? description,
    ToolHints hints,
    Duty duties,
    string? noun
) : Command(name, doors, description, hints, duties)
    where TRequest : IRequest<TResponse>
{
    public override Type Request => typeof(TRequest);

    public override bool Waits { get; } = typeof(TRequest).IsAssignableTo(typeof(IWaitingRequest));

    public override bool IsShort { get; } = typeof(TRequest).IsAssignableTo(typeof(IShortRequest));

    public override Task<object> Run(
        ReadOnlySpan<byte> line,
        Caller caller,
        IMediator mediator,
        CancellationToken ct
    ) => Boxed(mediator.Send(DoorJson.Read<TRequest>(line, caller), ct));

    private async Task<object> Boxed(Task<TResponse> response) =>
        noun is null ? (await response)! : new Dictionary<string, TResponse> { [noun] = await response };
}
