import type { AnswerName } from "../../sale/codes.ts";

export type Locale = "zh" | "en";

/**
 * One short sentence for each answer; the code is what programs read. nginx/answers.conf has the
 * same ones for what Nginx answers itself.
 */
export const messages: Readonly<Record<Locale, Readonly<Record<AnswerName, string>>>> = {
  en: {
    sold: "You got it",
    undecided: "Not decided yet, ask again",
    soldOut: "Sold out",
    fewerLeft: "Fewer left than you asked for",
    notOnSale: "Not on sale",
    limitReached: "Your limit is reached",
    busy: "Busy, try again",
    tooMany: "Too many requests, try again",
    internal: "Busy, try again",
    unknownSale: "There is no such sale",
    buyerMissing: "This sale has a limit: X-Buyer-Id is needed",
    badRequest: "Bad request",
    notFound: "There is nothing here",
    methodNotAllowed: "Method not allowed",
    tooLarge: "The request is too large",
    held: "Held, pay in time",
    paid: "Paid",
    released: "Released",
    unknownOrder: "There is no such order",
    refund: "Paid too late, or cancelled: refund",
    alreadyPaid: "The order is paid and cannot be cancelled",
    unsigned: "The signature is missing or wrong",
  },
  zh: {
    sold: "抢票成功",
    undecided: "结果未定，请稍后查询",
    soldOut: "已售罄",
    fewerLeft: "余票不足",
    notOnSale: "不在售票时间",
    limitReached: "已达购票上限",
    busy: "系统繁忙，请重试",
    tooMany: "请求过于频繁，请稍后再试",
    internal: "系统繁忙，请重试",
    unknownSale: "没有这个售票活动",
    buyerMissing: "本次售票限购，请提供 X-Buyer-Id",
    badRequest: "请求有误",
    notFound: "页面不存在",
    methodNotAllowed: "请求方法不允许",
    tooLarge: "请求过大",
    held: "已占票，请及时支付",
    paid: "已支付",
    released: "已释放",
    unknownOrder: "没有这个订单",
    refund: "支付过晚或订单已取消，请退款",
    alreadyPaid: "订单已支付，不能取消",
    unsigned: "签名缺失或有误",
  },
};
